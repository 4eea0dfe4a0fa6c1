import { toBytes, toJson } from './datatypes.ts'
import type { InferenceRequest, InferenceTensor } from './parse-inference-request.ts'

export interface InferenceResponse {
  body: Uint8Array
  /** Length of the JSON document where raw tensors follow it; null without them. */
  jsonBytes: number | null
}

/**
 * The answer with these outputs. One goes as raw bytes behind the JSON document where its parameter `binary_data` asks
 * for that, or `binary_data_output` of the whole request does and it does not refuse.
 */
export function renderInferenceResponse(
  request: Pick<InferenceRequest, 'id' | 'parameters' | 'outputs'>,
  answer: { model_name: string; model_version: string; outputs: readonly InferenceTensor[] },
): InferenceResponse {
  const { outputs, ...head } = answer
  const raw: Uint8Array[] = []
  const described = outputs.map(({ name, datatype, shape, data }) => {
    if (!isBinary(request, name)) return { name, datatype, shape, data: toJson(datatype, data) }
    const bytes = toBytes(data)
    raw.push(bytes)
    return { name, datatype, shape, parameters: { binary_data_size: bytes.byteLength } }
  })
  const id = request.id === null ? {} : { id: request.id }
  const json = Buffer.from(JSON.stringify({ ...head, ...id, outputs: described }))
  if (raw.length === 0) return { body: json, jsonBytes: null }
  return { body: Buffer.concat([json, ...raw]), jsonBytes: json.length }
}

function isBinary(
  { parameters, outputs }: Pick<InferenceRequest, 'parameters' | 'outputs'>,
  name: string,
): boolean {
  const own = outputs?.find((output) => output.name === name)?.parameters.binary_data
  return (own ?? parameters.binary_data_output) === true
}
