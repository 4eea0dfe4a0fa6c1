import { modelParamsSchema, modelVersionParamsSchema } from '@trainyard/contracts'
import { z } from 'zod'
import type { App } from '../../app.ts'
import { toVersionChoice } from '../../use-cases/find-model.ts'
import type { DescribeModel } from '../../use-cases/infer.ts'
import { protocolErrors } from './protocol-errors.ts'

const tags = ['Open Inference Protocol']
const tensorSchema = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.int()).describe('-1 is the number of rows'),
})
const metadataSchema = z.object({
  name: z.string(),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensorSchema),
  outputs: z.array(tensorSchema),
})
const readySchema = z.object({ name: z.string(), ready: z.boolean() })

export function addReadModelMetadata(
  app: App,
  { describeModel }: { describeModel: DescribeModel },
): void {
  const metadata = {
    tags,
    description:
      'A model whose features are all numbers takes them as one matrix, `features`; any other takes a tensor for each column.',
    response: { 200: metadataSchema, ...protocolErrors },
  }
  const readiness = { tags, response: { 200: readySchema, ...protocolErrors } }

  app.get(
    '/v2/models/:name',
    {
      schema: {
        ...metadata,
        summary: 'Read what a model takes and gives',
        params: modelParamsSchema,
      },
    },
    ({ principal, params }) => describeModel(principal.projectId, params.name, undefined),
  )
  app.get(
    '/v2/models/:name/versions/:version',
    {
      schema: {
        ...metadata,
        summary: 'Read what a version of a model takes and gives',
        params: modelVersionParamsSchema,
      },
    },
    ({ principal, params }) =>
      describeModel(principal.projectId, params.name, toVersionChoice(params.version)),
  )
  app.get(
    '/v2/models/:name/ready',
    { schema: { ...readiness, summary: 'Can a model answer', params: modelParamsSchema } },
    async ({ principal, params: { name } }) => {
      await describeModel(principal.projectId, name, undefined)
      return { name, ready: true }
    },
  )
  app.get(
    '/v2/models/:name/versions/:version/ready',
    {
      schema: {
        ...readiness,
        summary: 'Can a version of a model answer',
        params: modelVersionParamsSchema,
      },
    },
    async ({ principal, params: { name, version } }) => {
      await describeModel(principal.projectId, name, toVersionChoice(version))
      return { name, ready: true }
    },
  )
}
