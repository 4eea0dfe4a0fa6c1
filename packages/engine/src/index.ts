export type { TrainingData, TrainingJob, TrainingSession } from './backend.ts'
export { EngineError, type EngineErrorCode } from './errors.ts'
export type { GradientClip } from './gradient-clip.ts'
export {
  type BackendName,
  createNetwork,
  type Network,
  type NetworkOptions,
} from './network.ts'
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
  type EarlyStopping,
  type EpochMetrics,
  type TrainingOptions,
  type TrainingResult,
  train,
} from './train.ts'
export { ENGINE_VERSION } from './version.ts'
export { type CompiledKernels, compileKernels } from './wasm/load.ts'
export { type Assignment, assist, disband, type Team } from './wasm/team.ts'
export type { LayerWeights } from './weights.ts'
