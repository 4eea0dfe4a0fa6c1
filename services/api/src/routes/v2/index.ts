/**
 * The Open Inference Protocol, version 2, over HTTP, for clients of KServe and Triton. Its errors are
 * `{"error": "<text>"}` (`sendProblem`); whoever accepts problem documents gets those.
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
import type { App } from '../../app.ts'
import { type Authenticate, addAuthentication } from '../../plugins/authentication.ts'
import type { DescribeModel, Infer } from '../../use-cases/infer.ts'
import type { CheckReadiness } from '../health.ts'
import { addInfer } from './infer.ts'
import { addReadModelMetadata } from './read-model-metadata.ts'
import { addReadServer } from './read-server.ts'

export interface V2Deps {
  authenticate: Authenticate
  checkReadiness: CheckReadiness
  settings: { version: string }
  describeModel: DescribeModel
  infer: Infer
}

export function addV2(app: App, deps: V2Deps): void {
  // Probes have no key.
  addReadServer(app, deps)
  app.register(async (scope: App) => {
    addAuthentication(scope, deps.authenticate)
    addReadModelMetadata(scope, deps)
    addInfer(scope, deps)
  })
}
