export {
  type EncodableRows,
  type PredictionOutput,
  type Predictor,
  predictionFlops,
  type Scores,
  type TrainedModel,
} from './create-predictor.ts'
export { describeFile } from './describe-file.ts'
export { type DescribedNetwork, describeSignature, encodedInputs } from './describe-signature.ts'
export {
  createModelPredictor,
  findEnsembleFaults,
  possibleOutputs,
  type StoredNetwork,
  unpackNetworks,
} from './ensemble.ts'
export { evaluate } from './evaluation/evaluate.ts'
export { makeExampleRecords } from './example-records.ts'
export { drawRows } from './explanations/draw-rows.ts'
export { type InputSlope, inputGradient } from './explanations/input-gradient.ts'
export {
  DEPENDENCE_POINTS_MAX,
  type DependencePoint,
  partialDependence,
} from './explanations/partial-dependence.ts'
export {
  type PermutationImportance,
  permutationImportance,
} from './explanations/permutation-importance.ts'
export { findDatasetFaults } from './find-dataset-faults.ts'
export {
  type ImportedWeights,
  type ImportOutcome,
  importWeights,
  joinNetworks,
} from './import-weights.ts'
export { packLayers, unpackLayers } from './layer-bytes.ts'
export { findLayerFaults, toLayerWeights } from './layer-documents.ts'
export { type BaselineInput, measureBaselines } from './measure-baselines.ts'
export { measureTest, type TestInput } from './measure-test.ts'
export {
  type NetworkChoices,
  threadsMax,
  toNetworkConfig,
  toTrainingOptions,
} from './network-config.ts'
export { type OpenModel, openModel } from './open-model.ts'
export { packSplit, TEST_ROW, TRAINING_ROW, VALIDATION_ROW } from './pack-split.ts'
export { planTraining } from './plan-training.ts'
export {
  makePrepareTrials,
  type PreparedTraining,
  type PrepareInput,
  preparationKey,
  prepareFolds,
  prepareTraining,
} from './prepare-training.ts'
