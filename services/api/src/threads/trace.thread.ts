/** Traces, gradient checks and previews away from the event loop, as large as they may be. */
import { DataError } from '@trainyard/datasets'
import { EngineError } from '@trainyard/engine'
import { answerAugmentationPreview } from './answer-augmentation-preview.ts'
import { answerExpression } from './answer-expression.ts'
import { answerGradientCheck } from './answer-gradient-check.ts'
import { answerNetwork } from './answer-network.ts'
import { toJsonNumbers } from './to-json-numbers.ts'
import type { TraceAnswer, TraceTask } from './trace-thread.ts'

export default function answer(request: TraceTask): TraceAnswer {
  try {
    const made = compute(request)
    return 'body' in made ? { body: toJsonNumbers(made.body) } : made
  } catch (error) {
    if (error instanceof DataError) return { faults: [...error.faults] }
    if (!(error instanceof EngineError)) throw error
    // Shapes were checked before: what the engine refuses is about the whole of it.
    return { errors: [{ pointer: '#', detail: error.message }] }
  }
}

function compute(request: TraceTask) {
  switch (request.kind) {
    case 'expression':
      return answerExpression(request.body)
    case 'network':
      return { body: answerNetwork(request.task) }
    case 'gradient':
      return { body: answerGradientCheck(request.task) }
    case 'preview':
      return { body: answerAugmentationPreview(request.task) }
  }
}
