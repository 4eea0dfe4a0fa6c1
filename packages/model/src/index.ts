export {
  createPredictor,
  type PredictionOutput,
  type Predictor,
  predictionFlops,
  type TrainedModel,
} from './create-predictor.ts'
export { packLayers, unpackLayers } from './layer-bytes.ts'
export { threadsMax, toNetworkConfig, toTrainingOptions } from './network-config.ts'
export { planTraining } from './plan-training.ts'
export { type PreparedTraining, type PrepareInput, prepareTraining } from './prepare-training.ts'
