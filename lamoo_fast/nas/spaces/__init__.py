"""What an architecture is: one module per family, each an `ArchitectureSpace`.

    Space (points of the unit cube)  <->  configuration (dict)  <->  published string
                                               |
                        +----------------------+----------------------+
                     cost()                 build()                 draw()
              exact, closed form      torch network          matplotlib figure

Nothing here imports torch but `build`; the networks themselves are in `lamoo_fast.nas.networks`.
"""
