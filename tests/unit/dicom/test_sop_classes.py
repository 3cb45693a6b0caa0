"""Every storage class has its kind, and nothing else can be stored."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID_dictionary
from pynetdicom import sop_class

from scp.dicom.sop_classes import (
    IMAGES,
    KNOWN,
    PLANES,
    ROOT,
    Kind,
    cannot_be_stored,
    is_private,
    is_retired,
    is_standard_storage_class,
    kind_of,
)

# Another list than the one under test: that of pynetdicom, by keyword.
STORAGE: Final[dict[str, str]] = sop_class._STORAGE_CLASSES
NON_PATIENT: Final[dict[str, str]] = sop_class._NON_PATIENT_OBJECT_CLASSES
SERVICES: Final[dict[str, str]] = {
    keyword: uid
    for name, classes in vars(sop_class).items()
    if name.startswith("_") and name.endswith("_CLASSES") and classes not in (STORAGE, NON_PATIENT)
    for keyword, uid in classes.items()
    if name != "_SERVICE_CLASSES"
}

KINDS: Final[dict[Kind, str]] = {
    Kind.CT: """
        CTImageStorage
    """,
    Kind.MR: """
        MRImageStorage
    """,
    Kind.PET: """
        PositronEmissionTomographyImageStorage
    """,
    Kind.NM: """
        NuclearMedicineImageStorage
    """,
    Kind.ENHANCED: """
        EnhancedCTImageStorage LegacyConvertedEnhancedCTImageStorage EnhancedMRImageStorage
        EnhancedMRColorImageStorage LegacyConvertedEnhancedMRImageStorage EnhancedUSVolumeStorage
        PhotoacousticImageStorage EnhancedXAImageStorage EnhancedXRFImageStorage XRay3DAngiographicImageStorage
        XRay3DCraniofacialImageStorage BreastTomosynthesisImageStorage
        BreastProjectionXRayImageStorageForPresentation BreastProjectionXRayImageStorageForProcessing
        IntravascularOpticalCoherenceTomographyImageStorageForPresentation
        IntravascularOpticalCoherenceTomographyImageStorageForProcessing ParametricMapStorage
        OphthalmicTomographyImageStorage OphthlamicOpticalCoherenceTomographyBscanVolumeAnalysisStorage
        LegacyConvertedEnhancedPETImageStorage EnhancedPETImageStorage
    """,
    Kind.PROJECTION: """
        ComputedRadiographyImageStorage DigitalXRayImageStorageForPresentation
        DigitalXRayImageStorageForProcessing DigitalMammographyXRayImageStorageForPresentation
        DigitalMammographyXRayImageStorageForProcessing DigitalIntraOralXRayImageStorageForPresentation
        DigitalIntraOralXRayImageStorageForProcessing XRayAngiographicImageStorage
        XRayRadiofluoroscopicImageStorage
    """,
    Kind.SECONDARY_CAPTURE: """
        SecondaryCaptureImageStorage MultiFrameSingleBitSecondaryCaptureImageStorage
        MultiFrameGrayscaleByteSecondaryCaptureImageStorage MultiFrameGrayscaleWordSecondaryCaptureImageStorage
        MultiFrameTrueColorSecondaryCaptureImageStorage
    """,
    Kind.ULTRASOUND: """
        UltrasoundMultiFrameImageStorage UltrasoundImageStorage
    """,
    Kind.VISIBLE_LIGHT: """
        VLEndoscopicImageStorage VideoEndoscopicImageStorage VLMicroscopicImageStorage
        VideoMicroscopicImageStorage VLSlideCoordinatesMicroscopicImageStorage VLPhotographicImageStorage
        VideoPhotographicImageStorage OphthalmicPhotography8BitImageStorage
        OphthalmicPhotography16BitImageStorage WideFieldOphthalmicPhotographyStereographicProjectionImageStorage
        WideFieldOphthalmicPhotography3DCoordinatesImageStorage
        OphthalmicOpticalCoherenceTomographyEnFaceImageStorage DermoscopicPhotographyImageStorage
    """,
    Kind.SLIDE: """
        VLWholeSlideMicroscopyImageStorage ConfocalMicroscopyImageStorage
        ConfocalMicroscopyTiledPyramidalImageStorage
    """,
    Kind.OTHER_IMAGE: """
        OphthalmicThicknessMapStorage CornealTopographyMapStorage
    """,
    Kind.RT_IMAGE: """
        RTImageStorage
    """,
    Kind.RT_DOSE: """
        RTDoseStorage
    """,
    Kind.RT_STRUCTURE_SET: """
        RTStructureSetStorage
    """,
    Kind.RT_PLAN: """
        RTPlanStorage RTIonPlanStorage
    """,
    Kind.RT_RECORD: """
        RTBeamsTreatmentRecordStorage RTBrachyTreatmentRecordStorage RTTreatmentSummaryRecordStorage
        RTIonBeamsTreatmentRecordStorage
    """,
    Kind.RT_OTHER: """
        RTPhysicianIntentStorage RTSegmentAnnotationStorage RTRadiationSetStorage
        CArmPhotonElectronRadiationStorage TomotherapeuticRadiationStorage RoboticArmRadiationStorage
        RTRadiationRecordSetStorage RTRadiationSalvageRecordStorage TomotherapeuticRadiationRecordStorage
        CArmPhotonElectronRadiationRecordStorage RoboticArmRadiationRecordStorage
        RTRadiationSetDeliveryInstructionStorage RTTreatmentPreparationStorage EnhancedRTImageStorage
        EnhancedContinuousRTImageStorage RTPatientPositionAcquisitionInstructionStorage
        RTBeamsDeliveryInstructionStorage RTBrachyApplicationSetupDeliveryInstructionsStorage
    """,
    Kind.SEGMENTATION: """
        SegmentationStorage LabelMapSegmentationStorage HeightMapSegmentationStorage
    """,
    Kind.PRESENTATION_STATE: """
        WaveformPresentationStateStorage WaveformAcquisitionPresentationStateStorage
        GrayscaleSoftcopyPresentationStateStorage ColorSoftcopyPresentationStateStorage
        PseudoColorSoftcopyPresentationStageStorage BlendingSoftcopyPresentationStateStorage
        XAXRFGrayscaleSoftcopyPresentationStateStorage GrayscalePlanarMPRVolumetricPresentationStateStorage
        CompositingPlanarMPRVolumetricPresentationStateStorage AdvancedBlendingPresentationStateStorage
        VolumeRenderingVolumetricPresentationStateStorage
        SegmentedVolumeRenderingVolumetricPresentationStateStorage
        MultipleVolumeRenderingVolumetricPresentationStateStorage
        VariableModalityLUTSoftcopyPresentationStageStorage
    """,
    Kind.STRUCTURED_REPORT: """
        BasicTextSRStorage EnhancedSRStorage ComprehensiveSRStorage Comprehensive3DSRStorage ExtensibleSRStorage
        ProcedureLogStorage MammographyCADSRStorage ChestCADSRStorage XRayRadiationDoseSRStorage
        RadiopharmaceuticalRadiationDoseSRStorage ColonCADSRStorage ImplantationPlanSRStorage
        AcquisitionContextSRStorage SimplifiedAdultEchoSRStorage PatientRadiationDoseSRStorage
        PlannedImagingAgentAdministrationSRStorage PerformedImagingAgentAdministrationSRStorage
        EnhancedXRayRadiationDoseSRStorage WaveformAnnotationSRStorage
    """,
    Kind.KEY_OBJECT: """
        KeyObjectSelectionDocumentStorage
    """,
    Kind.REGISTRATION: """
        SpatialRegistrationStorage SpatialFiducialsStorage DeformableSpatialRegistrationStorage
    """,
    Kind.ENCAPSULATED: """
        EncapsulatedPDFStorage EncapsulatedCDAStorage EncapsulatedSTLStorage EncapsulatedOBJStorage
        EncapsulatedMTLStorage
    """,
    Kind.WAVEFORM: """
        TwelveLeadECGWaveformStorage GeneralECGWaveformStorage AmbulatoryECGWaveformStorage
        General32bitECGWaveformStorage HemodynamicWaveformStorage CardiacElectrophysiologyWaveformStorage
        BasicVoiceAudioWaveformStorage GeneralAudioWaveformStorage ArterialPulseWaveformStorage
        RespiratoryWaveformStorage MultichannelRespiratoryWaveformStorage
        RoutineScalpElectroencephalogramWaveformStorage ElectromyogramWaveformStorage
        ElectrooculogramWaveformStorage SleepElectroencephalogramWaveformStorage BodyPositionWaveformStorage
    """,
    Kind.RAW: """
        RawDataStorage
    """,
    Kind.DOCUMENT: """
        MRSpectroscopyStorage SurfaceSegmentationStorage TractographyResultsStorage RealWorldValueMappingStorage
        SurfaceScanMeshStorage SurfaceScanPointCloudStorage StereometricRelationshipStorage
        LensometryMeasurementsStorage AutorefractionMeasurementsStorage KeratometryMeasurementsStorage
        SubjectiveRefractionMeasurementsStorage VisualAcuityMeasurementsStorage
        SpectaclePrescriptionReportStorage OphthalmicAxialMeasurementsStorage IntraocularLensCalculationsStorage
        MacularGridThicknessAndVolumeReportStorage OphthalmicVisualFieldStaticPerimetryMeasurementsStorage
        ContentAssessmentResultsStorage MicroscopyBulkSimpleAnnotationsStorage BasicStructuredDisplayStorage
        CTPerformedProcedureProtocolStorage XAPerformedProcedureProtocolStorage
    """,
}
TABLE: Final = [(keyword, kind) for kind, keywords in KINDS.items() for keyword in keywords.split()]
NEWER: Final = {"1.2.840.10008.5.1.4.1.1.9.100.1", "1.2.840.10008.5.1.4.1.1.9.100.2",
                "1.2.840.10008.5.1.4.1.1.66.7", "1.2.840.10008.5.1.4.1.1.66.8"}  # fmt: skip
"""Storage classes that are newer than pydicom's dictionary."""

RETIRED: Final = {
    "1.2.840.10008.5.1.1.27": Kind.DOCUMENT,  # Stored Print
    "1.2.840.10008.5.1.1.29": Kind.SECONDARY_CAPTURE,  # Hardcopy Grayscale Image
    "1.2.840.10008.5.1.1.30": Kind.SECONDARY_CAPTURE,  # Hardcopy Color Image
    f"{ROOT}3": Kind.ULTRASOUND,
    f"{ROOT}5": Kind.NM,
    f"{ROOT}6": Kind.ULTRASOUND,
    f"{ROOT}8": Kind.DOCUMENT,  # Standalone Overlay
    f"{ROOT}9": Kind.DOCUMENT,  # Standalone Curve
    f"{ROOT}9.1": Kind.WAVEFORM,  # Waveform, trial
    f"{ROOT}10": Kind.DOCUMENT,  # Standalone Modality LUT
    f"{ROOT}11": Kind.DOCUMENT,  # Standalone VOI LUT
    f"{ROOT}12.3": Kind.PROJECTION,  # X-Ray Angiographic Bi-Plane
    f"{ROOT}77.1": Kind.VISIBLE_LIGHT,
    f"{ROOT}77.2": Kind.VISIBLE_LIGHT,
    f"{ROOT}88.1": Kind.STRUCTURED_REPORT,
    f"{ROOT}129": Kind.DOCUMENT,  # Standalone PET Curve
    "1.2.840.10008.5.1.4.34.1": Kind.RT_OTHER,  # RT Beams Delivery Instruction, trial
}


def test_the_table_names_every_storage_class_once() -> None:
    assert sorted(keyword for keyword, _ in TABLE) == sorted(STORAGE)


@pytest.mark.parametrize(("keyword", "kind"), TABLE)
def test_a_storage_class_has_its_kind_and_can_be_stored(keyword: str, kind: Kind) -> None:
    uid = STORAGE[keyword]
    assert kind_of(uid) is kind
    assert not cannot_be_stored(uid)
    assert not is_private(uid)
    assert is_standard_storage_class(uid) or uid in NEWER


@pytest.mark.parametrize("uid", RETIRED)
def test_a_retired_storage_class_has_its_kind_and_can_be_stored(uid: str) -> None:
    assert is_retired(uid)
    assert kind_of(uid) is RETIRED[uid]
    assert is_standard_storage_class(uid)
    assert not cannot_be_stored(uid)


@pytest.mark.parametrize("keyword", NON_PATIENT)
def test_an_object_without_a_patient_can_be_stored(keyword: str) -> None:
    uid = NON_PATIENT[keyword]
    assert kind_of(uid) is Kind.NON_PATIENT
    assert is_standard_storage_class(uid)
    assert not cannot_be_stored(uid)


@pytest.mark.parametrize("keyword", SERVICES)
def test_the_class_of_a_service_cannot_be_stored(keyword: str) -> None:
    assert cannot_be_stored(SERVICES[keyword])
    assert not is_standard_storage_class(SERVICES[keyword])


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.1.2.1",  # a Transfer Syntax
        "1.2.840.10008.3.1.1.1",  # the Application Context Name
        "1.2.840.10008.1.20.1.1",  # a well-known SOP Instance
        "1.2.840.10008.5.1.1.9",  # a Meta SOP Class
        "1.2.840.10008.1.4.1.1",  # a well-known Frame of Reference
        "1.2.840.10008.1.3.10",  # Media Storage Directory
    ],
)
def test_what_is_no_class_of_stored_objects_cannot_be_stored(uid: str) -> None:
    assert uid in UID_dictionary
    assert cannot_be_stored(uid)


@pytest.mark.parametrize("uid", ["1.2.840.113619.4.30", "1.3.12.2.1107.5.9.1", "2.25.1", ""])
def test_a_private_class_is_unknown_and_can_be_stored(uid: str) -> None:
    assert is_private(uid)
    assert kind_of(uid) is Kind.UNKNOWN
    assert not cannot_be_stored(uid)
    assert not is_retired(uid)


def test_a_class_newer_than_the_dictionary_is_of_the_kind_of_its_family() -> None:
    assert kind_of(f"{ROOT}88.99") is Kind.STRUCTURED_REPORT
    assert kind_of(f"{ROOT}9.100.7") is Kind.PRESENTATION_STATE
    assert kind_of(f"{ROOT}999.1") is Kind.UNKNOWN
    assert not cannot_be_stored(f"{ROOT}999.1")


def test_families_are_told_apart_by_whole_components() -> None:
    assert kind_of(f"{ROOT}2") is Kind.CT
    assert kind_of(f"{ROOT}20") is Kind.NM
    assert kind_of(f"{ROOT}128") is Kind.PET


def test_current_classes_are_not_retired() -> None:
    assert not any(is_retired(uid) for uid in STORAGE.values())


def test_all_storage_classes_are_known_and_can_be_stored() -> None:
    known = {uid for uid in UID_dictionary if is_standard_storage_class(uid)}
    assert {*STORAGE.values(), *NON_PATIENT.values(), *RETIRED} - NEWER <= known
    assert not any(cannot_be_stored(uid) for uid in known)


def test_planes_are_images_and_unknown_objects_are_not_known() -> None:
    assert PLANES < IMAGES < KNOWN
    assert set(Kind) - KNOWN == {Kind.UNKNOWN}


@given(st.text(max_size=40) | st.text("0123456789.").map(lambda text: ROOT + text))
def test_any_text_has_a_kind(text: str) -> None:
    assert kind_of(text) in Kind
    assert cannot_be_stored(text) is (text in UID_dictionary and not is_standard_storage_class(text))
