"""What an architecture is: one module per family, each an `ArchitectureSpace`.

    Space (points of the unit cube)  <->  configuration (dict)  <->  published string
                                               |
                        +----------------------+----------------------+
                     cost()                 build()                 draw()
              exact, closed form      torch network          matplotlib figure

==================  ==========================================  ============================
module              family                                      architectures
==================  ==========================================  ============================
`cell201`           NAS-Bench-201 cell                          5^6 = 15,625
`darts`             DARTS, NAS-Bench-301: two cells             1.08 x 10^18
`nasnet`            LaNAS: one NASNet-like cell of seven nodes  4.4 x 10^17 codes
`mobilenet`         once-for-all MobileNetV3                    2.2 x 10^19 per resolution
`fbnet`             FBNet of HW-NAS-Bench                       9^22 = 9.8 x 10^20
`recurrent`         DARTS recurrent cell, language model        8! x 4^8 = 2.6 x 10^9
`detector`          detector on a once-for-all backbone         as `mobilenet`
==================  ==========================================  ============================

Nothing here imports torch but `build`; the networks themselves are in `lamoo_fast.nas.networks`.
"""
