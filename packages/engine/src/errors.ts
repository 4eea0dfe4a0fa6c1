export type EngineErrorCode =
  | 'invalid_network'
  | 'invalid_options'
  | 'invalid_data'
  | 'invalid_weights'
  /** Damaged, or of another training: start again. */
  | 'invalid_checkpoint'
  | 'kernels_missing'
  | 'memory_exceeded'
  | 'network_busy'
  | 'network_disposed'
  | 'inference_closed'
  | 'thread_lost'

/**
 * What the engine refuses to do. The code is for programs, the message for the person who reads the
 * log. A loss that is not finite is not an error: `train` returns it as a result.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
