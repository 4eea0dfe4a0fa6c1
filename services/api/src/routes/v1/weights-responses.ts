import { weightsDocumentSchema } from '@trainyard/contracts'
import { z } from 'zod'
import { problemResponses } from './problem-responses.ts'

const binary = (description: string) => ({
  schema: z.any().meta({ type: 'string', format: 'binary', description }),
})

const files = {
  content: {
    'application/json': { schema: weightsDocumentSchema },
    'application/octet-stream': binary('safetensors or onnx'),
    'application/x-npz': binary('npz'),
    'application/zip': binary('tfjs or bundle'),
    'text/javascript': binary('esm'),
  },
}

/** What a download of weights answers, of a job as of a model's version. */
export const weightsResponses = {
  200: files,
  206: files,
  304: z.undefined().describe('The weights are those of If-None-Match'),
  ...problemResponses,
}

export const WEIGHTS_DESCRIPTION =
  'Weight matrices are [out][in]. `ETag` and `Repr-Digest` are the SHA-256 of the file; `Range: bytes=…` answers one part of it, so that a broken download goes on where it broke.'
