export { type AugmentedRow, augmentRows } from './augmentation/augment-rows.ts'
export type {
  Augmentation,
  ImageShape,
  RowOperation,
} from './augmentation/augmentation.ts'
export type {
  BatchAnswer,
  InferenceSession,
  TrainingData,
  TrainingJob,
  TrainingSession,
} from './backend.ts'
export { checkpointWeights, inspectCheckpoint } from './checkpoint.ts'
export { EngineError, type EngineErrorCode } from './errors.ts'
export {
  GRADIENT_TOLERANCE,
  type GradientCheckOptions,
  gradientCheck,
  type TensorCheck,
} from './gradient-check.ts'
export type { GradientClip } from './gradient-clip.ts'
export {
  ExpressionError,
  type ExpressionFault,
} from './graph/parse-expression.ts'
export { type TracedNode, traceExpression } from './graph/trace-expression.ts'
export type {
  Histogram,
  LayerObservation,
  LayerStatistics,
  ObservationDetail,
} from './layer-statistics.ts'
export {
  type BackendName,
  createNetwork,
  initialWeights,
  type Network,
  type NetworkOptions,
} from './network.ts'
export { openInference } from './open-inference.ts'
export type { Regularization } from './penalty.ts'
export {
  type ActivationName,
  type InitializerConfig,
  type LayerConfig,
  type LossName,
  type NetworkConfig,
  type NetworkPlan,
  type OptimizerConfig,
  type PlanInput,
  planNetwork,
  resolveInitializer,
} from './plan.ts'
export type { ScheduleConfig } from './schedules/learning-rate.ts'
export {
  type NetworkTrace,
  type TracedLayer,
  type TracedParameters,
  type TracedSample,
  trace,
} from './trace.ts'
export {
  type EarlyStopping,
  type EpochMetrics,
  type TrainingOptions,
  type TrainingResult,
  train,
} from './train.ts'
export { ENGINE_VERSION } from './version.ts'
export { type CompiledKernels, compileKernels } from './wasm/load.ts'
export { type Assignment, assist, disband, type Team } from './wasm/team.ts'
export type { AnyLayerWeights, LayerWeights } from './weights.ts'
