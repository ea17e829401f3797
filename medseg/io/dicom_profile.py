"""What de-identification keeps of a DICOM object, and why: whatever is not listed here is removed."""

from __future__ import annotations

from collections.abc import Mapping

# Reason to keywords, at any depth. DICOM PS3.15 table E.1-1 (Basic Profile) asks to remove, empty or replace none of
# them, but for UIDs and references, which are remapped, and ContrastBolusAgent, which is replaced.
KEPT: Mapping[str, str] = {
    "what object it is, and its place in a series": """
        SpecificCharacterSet SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality ImageType
        SeriesNumber InstanceNumber AcquisitionNumber ImagesInAcquisition TemporalPositionIdentifier
        NumberOfTemporalPositions TemporalResolution ImageIndex NumberOfSlices NumberOfTimeSlices ContentQualification
        AcquisitionDuration""",
    "geometry": """
        FrameOfReferenceUID ImagePositionPatient ImageOrientationPatient PixelSpacing SliceThickness
        SpacingBetweenSlices SliceLocation PatientPosition PatientOrientation Laterality ImageLaterality
        FrameLaterality GantryDetectorTilt TableHeight ReconstructionDiameter SpatialResolution PixelAspectRatio
        AnatomicalOrientationType SpatialLocationsPreserved PatientOrientationCodeSequence
        PatientOrientationModifierCodeSequence PatientGantryRelationshipCodeSequence SliceProgressionDirection
        VolumetricProperties VolumeBasedCalculationTechnique""",
    "what the stored pixels mean": """
        SamplesPerPixel PhotometricInterpretation PlanarConfiguration Rows Columns NumberOfFrames BitsAllocated
        BitsStored HighBit PixelRepresentation SmallestImagePixelValue LargestImagePixelValue SmallestPixelValueInSeries
        LargestPixelValueInSeries PixelPaddingValue PixelPaddingRangeLimit PixelData ExtendedOffsetTable
        ExtendedOffsetTableLengths LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod
        RescaleSlope RescaleIntercept RescaleType ModalityLUTSequence ModalityLUTType LUTDescriptor LUTData
        WindowCenter WindowWidth VOILUTFunction PresentationLUTShape PixelPresentation BurnedInAnnotation
        RecognizableVisualFeatures QualityControlImage RealWorldValueMappingSequence RealWorldValueFirstValueMapped
        RealWorldValueLastValueMapped RealWorldValueSlope RealWorldValueIntercept RealWorldValueLUTData LUTLabel
        LUTExplanation MeasurementUnitsCodeSequence QuantityDefinitionSequence ColorSpace ConversionType""",
    "lookup tables of colours": """
        RedPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableDescriptor
        BluePaletteColorLookupTableDescriptor RedPaletteColorLookupTableData GreenPaletteColorLookupTableData
        BluePaletteColorLookupTableData""",
    "where in the body": """
        BodyPartExamined AnatomicRegionSequence AnatomicRegionModifierSequence PrimaryAnatomicStructureSequence
        PrimaryAnatomicStructureModifierSequence ViewCodeSequence ViewModifierCodeSequence""",
    "the kind of scanner, which some files need to be read rightly; serial numbers are not kept": """
        Manufacturer ManufacturerModelName SoftwareVersions MagneticFieldStrength""",
    "MR physics; channels are recognised by it": """
        ScanningSequence SequenceVariant ScanOptions MRAcquisitionType SequenceName PulseSequenceName AngioFlag
        RepetitionTime EchoTime InversionTime NumberOfAverages ImagingFrequency ImagedNucleus EchoNumbers
        NumberOfPhaseEncodingSteps EchoTrainLength PercentSampling PercentPhaseFieldOfView PixelBandwidth TriggerTime
        NominalInterval AcquisitionMatrix InPlanePhaseEncodingDirection FlipAngle VariableFlipAngleFlag SAR dBdt B1rms
        ReceiveCoilName TransmitCoilName DiffusionBValue DiffusionGradientOrientation DiffusionDirectionality
        DiffusionAnisotropyType BeatRejectionFlag LowRRValue HighRRValue IntervalsAcquired IntervalsRejected
        CardiacNumberOfImages TriggerWindow ResonantNucleus KSpaceFiltering ApplicableSafetyStandardAgency
        EchoPulseSequence MultipleSpinEcho MultiPlanarExcitation PhaseContrast TimeOfFlightContrast
        SteadyStatePulseSequence EchoPlanarPulseSequence SaturationRecovery SpectrallySelectedSuppression
        OversamplingPhase GeometryOfKSpaceTraversal SegmentedKSpaceTraversal RectilinearPhaseEncodeReordering
        NumberOfKSpaceTrajectories CoverageOfKSpace ArterialSpinLabelingContrast ComplexImageComponent
        AcquisitionContrast FrameType CardiacSynchronizationTechnique CardiacSignalSource CardiacRRIntervalSpecified
        CardiacBeatRejectionTechnique RespiratoryMotionCompensationTechnique RespiratorySignalSource
        RespiratoryTriggerType RespiratoryTriggerDelayThreshold BulkMotionCompensationTechnique
        BulkMotionSignalSource VelocityEncodingAcquisitionSequence""",
    "CT physics": """
        KVP DataCollectionDiameter DistanceSourceToDetector DistanceSourceToPatient RotationDirection ExposureTime
        XRayTubeCurrent Exposure ExposureInuAs ExposureInmAs ExposureTimeInms XRayTubeCurrentInmA FilterType
        FilterMaterial GeneratorPower FocalSpots ConvolutionKernel RevolutionTime SingleCollimationWidth
        TotalCollimationWidth TableSpeed TableFeedPerRotation SpiralPitchFactor DataCollectionCenterPatient
        ReconstructionTargetCenterPatient ExposureModulationType CTDIvol CTDIPhantomTypeCodeSequence
        MultienergyCTAcquisition AcquisitionType EstimatedDoseSaving""",
    "contrast; the agent itself is replaced by YES": """
        ContrastBolusAgent ContrastBolusVolume ContrastBolusTotalDose ContrastFlowRate ContrastFlowDuration
        ContrastBolusIngredient ContrastBolusIngredientConcentration ContrastBolusAgentSequence
        ContrastBolusAdministrationRouteSequence ContrastBolusIngredientCodeSequence ContrastBolusAgentNumber
        ContrastBolusIngredientOpaque ContrastBolusUsageSequence ContrastBolusAgentAdministered
        ContrastBolusAgentDetected ContrastBolusAgentPhase""",
    "PET physics": """
        SeriesType Units CountsSource CorrectedImage DecayCorrection DecayFactor ReconstructionMethod
        RandomsCorrectionMethod AttenuationCorrectionMethod ScatterCorrectionMethod CollimatorType ActualFrameDuration
        FrameReferenceTime FrameTime DoseCalibrationFactor ScatterFractionFactor DeadTimeFactor SliceSensitivityFactor
        SUVType NumberOfRRIntervals ReprojectionMethod EnergyWindowRangeSequence EnergyWindowLowerLimit
        EnergyWindowUpperLimit RadiopharmaceuticalInformationSequence RadionuclideCodeSequence RadionuclideTotalDose
        RadionuclideHalfLife RadionuclidePositronFraction RadiopharmaceuticalCodeSequence AxialAcceptance""",
    "codes of public terminologies": """
        CodeValue LongCodeValue CodingSchemeDesignator CodingSchemeVersion CodeMeaning MappingResource
        ContextIdentifier""",
    "references to other objects, by remapped UID": """
        ReferencedImageSequence SourceImageSequence ReferencedSOPClassUID ReferencedSOPInstanceUID
        ReferencedFrameNumber ReferencedSegmentNumber PurposeOfReferenceCodeSequence ReferencedSeriesSequence
        ReferencedInstanceSequence StudiesContainingOtherReferencedInstancesSequence DerivationImageSequence
        DerivationCodeSequence SourceImageEvidenceSequence ReferencedImageEvidenceSequence ReferencedSOPSequence""",
    "frames of a multi-frame object": """
        SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence PixelMeasuresSequence PlanePositionSequence
        PlaneOrientationSequence FrameContentSequence FrameAnatomySequence PixelValueTransformationSequence
        FrameVOILUTSequence StackID InStackPositionNumber TemporalPositionIndex FrameAcquisitionNumber
        FrameAcquisitionDuration DimensionIndexValues DimensionOrganizationSequence DimensionOrganizationUID
        DimensionOrganizationType DimensionIndexSequence DimensionIndexPointer FunctionalGroupPointer
        DimensionIndexPrivateCreator FunctionalGroupPrivateCreator ConcatenationUID InConcatenationNumber
        InConcatenationTotalNumber ConcatenationFrameOffsetNumber SOPInstanceUIDOfConcatenationSource
        RepresentativeFrameNumber UnassignedSharedConvertedAttributesSequence
        UnassignedPerFrameConvertedAttributesSequence""",
    "frames of enhanced MR": """
        MRImageFrameTypeSequence MRTimingAndRelatedParametersSequence RFEchoTrainLength GradientEchoTrainLength
        OperatingModeSequence OperatingModeType OperatingMode GradientOutputType GradientOutput
        SpecificAbsorptionRateSequence SpecificAbsorptionRateDefinition SpecificAbsorptionRateValue
        MRFOVGeometrySequence MRAcquisitionFrequencyEncodingSteps MRAcquisitionPhaseEncodingStepsInPlane
        MRAcquisitionPhaseEncodingStepsOutOfPlane MREchoSequence EffectiveEchoTime MRModifierSequence InversionRecovery
        InversionTimes FlowCompensation FlowCompensationDirection Spoiling T2Preparation SpectrallySelectedExcitation
        SpatialPresaturation PartialFourier PartialFourierDirection ParallelAcquisition ParallelAcquisitionTechnique
        ParallelReductionFactorInPlane ParallelReductionFactorOutOfPlane ParallelReductionFactorSecondInPlane
        MRImagingModifierSequence MagnetizationTransfer BloodSignalNulling Tagging TransmitterFrequency
        MRReceiveCoilSequence ReceiveCoilManufacturerName ReceiveCoilType QuadratureReceiveCoil
        MultiCoilDefinitionSequence MultiCoilElementName MultiCoilElementUsed MRTransmitCoilSequence
        TransmitCoilManufacturerName TransmitCoilType MRAveragesSequence MRSpatialSaturationSequence SlabThickness
        SlabOrientation MidSlabPosition MRDiffusionSequence DiffusionGradientDirectionSequence
        DiffusionBMatrixSequence DiffusionBValueXX DiffusionBValueXY DiffusionBValueXZ DiffusionBValueYY
        DiffusionBValueYZ DiffusionBValueZZ MRVelocityEncodingSequence VelocityEncodingDirection
        VelocityEncodingMinimumValue VelocityEncodingMaximumValue CardiacSynchronizationSequence
        NominalCardiacTriggerDelayTime NominalPercentageOfCardiacPhase ActualCardiacTriggerDelayTime
        RRIntervalTimeNominal MRArterialSpinLabelingSequence ASLContext ASLCrusherFlag ASLBolusCutoffFlag""",
    "frames of enhanced CT": """
        CTImageFrameTypeSequence CTAcquisitionTypeSequence TubeAngle ConstantVolumeFlag FluoroscopyFlag
        CTAcquisitionDetailsSequence CTTableDynamicsSequence CTGeometrySequence DistanceSourceToDataCollectionCenter
        CTReconstructionSequence ReconstructionAlgorithm ConvolutionKernelGroup ReconstructionFieldOfView
        ReconstructionAngle ImageFilter ReconstructionPixelSpacing CTExposureSequence CTXRayDetailsSequence
        CTPositionSequence TablePosition CalciumScoringMassFactorPatient CalciumScoringMassFactorDevice
        IrradiationEventIdentificationSequence IrradiationEventUID""",
    "segments": """
        SegmentationType SegmentationFractionalType MaximumFractionalValue SegmentsOverlap SegmentSequence SegmentNumber
        SegmentLabel SegmentAlgorithmType SegmentAlgorithmName SegmentedPropertyCategoryCodeSequence
        SegmentedPropertyTypeCodeSequence SegmentedPropertyTypeModifierCodeSequence RecommendedDisplayCIELabValue
        SegmentIdentificationSequence ContentLabel""",
}
ALLOWED = frozenset(word for words in KEPT.values() for word in words.split())

# Free text that tells sequences apart and may hold anything a technician typed; kept only on demand.
DESCRIPTIONS = frozenset({"SeriesDescription", "ProtocolName"})
# PS3.3 C.7.1.1 and C.7.2.1: type 2, so present and empty (action Z). PatientAge, size and weight are removed (X).
ALWAYS_EMPTY = (
    *("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"),
    *("ReferringPhysicianName", "StudyID", "AccessionNumber"),
)
# Type 2 in some objects: emptied where present.
EMPTY_IF_PRESENT = frozenset(
    {"PositionReferenceIndicator", "ContentCreatorName", "ContentDescription", "AcquisitionContextSequence"}
)
REMOVED = "REMOVED"
_DAY, _HOUR = "19000101", "000000"  # of no one
# Type 1 in enhanced objects, PET and SEG, so replaced there (action D); removed elsewhere.
DUMMIES: Mapping[str, str] = {
    "DeviceSerialNumber": REMOVED,
    "SeriesDate": _DAY,
    "SeriesTime": _HOUR,
    "AcquisitionDate": _DAY,
    "AcquisitionTime": _HOUR,
    "ContentDate": _DAY,
    "ContentTime": _HOUR,
    "AcquisitionDateTime": _DAY + _HOUR,
    "FrameAcquisitionDateTime": _DAY + _HOUR,
    "FrameReferenceDateTime": _DAY + _HOUR,
}
# Recognition of a channel asks whether there was contrast, never which; the text is free.
CONSTANTS: Mapping[str, str] = {"ContrastBolusAgent": "YES"}

# Terminologies whose meanings no site writes. Codes of any other scheme are replaced: their meaning is free text.
PUBLIC_SCHEMES = frozenset({"SCT", "SRT", "SNM3", "DCM", "UCUM", "FMA", "LN", "RADLEX", "UMLS", "NCIt"})

# PS3.16 CID 7050: what was done, as the object itself says.
BASIC_PROFILE = ("113100", "DCM", "Basic Application Confidentiality Profile")
CLEAN_DESCRIPTORS = ("113105", "DCM", "Clean Descriptors Option")

# Attributes written by de-identification itself: they hold nothing of the source.
OWN = frozenset(
    {
        *("PatientName", "PatientID", "PatientIdentityRemoved", "DeidentificationMethod"),
        *("DeidentificationMethodCodeSequence", "LongitudinalTemporalInformationModified"),
    }
)
