"""A network on disk."""

import json
import zipfile
from pathlib import Path

from lockstep.core.runtime import import_keras
from lockstep.modeling.archive import write_keras


def test_a_network_is_the_same_bytes_wherever_and_whenever_it_is_saved(tmp_path: Path) -> None:
    keras = import_keras()
    networks = []
    for name in ("one.keras", "two.keras"):
        keras.utils.set_random_seed(1)
        layers = [keras.layers.Input((2,), name="a"), keras.layers.Dense(1, name="b")]
        # Kept alive, so that the second one lies elsewhere in memory.
        networks.append(keras.Sequential(layers, name="c"))
        networks[-1].compile(keras.optimizers.Adam(name="adam"), loss="mean_squared_error")
        write_keras(networks[-1], tmp_path / name)
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "two.keras").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.keras") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(archive.read("metadata.json"))["date_saved"] == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.keras", "two.keras"]
    loaded = keras.saving.load_model(tmp_path / "two.keras", compile=False)
    assert loaded.get_weights()[0].tolist() == networks[1].get_weights()[0].tolist()
