import {
  type Architecture,
  type ArchitectureInput,
  architectureInputSchema,
  type FieldError,
  MEMBERS_MAX,
  type Preprocessing,
  preprocessingSchema,
} from '@trainyard/contracts'
import type { StoredNetwork } from './ensemble.ts'
import { importArchitecture } from './import-architecture.ts'

/** What a file of weights says about itself beside its tensors. */
export interface FileDescription {
  metadata: Readonly<Record<string, string>>
  /** Of an ONNX file of others: what its operators are. */
  found: { activations: readonly string[]; output: string } | null
}

/**
 * The networks of a file by its own metadata, or the one that the caller describes, whose architecture rules; and every
 * reason why there are none.
 */
export function describeFile(
  { metadata, found }: FileDescription,
  given: unknown,
): { networks: StoredNetwork[]; errors: FieldError[] } {
  const errors: FieldError[] = []
  const refuse = (detail: string) => errors.push({ detail })
  if (metadata.format === 'trainyard-ensemble/1' && given === undefined) {
    const members = parse(metadata.members, 'members', refuse)
    if (!Array.isArray(members) || members.length < 2 || members.length > MEMBERS_MAX) {
      refuse(`The file's members must be a list of 2 to ${MEMBERS_MAX}`)
      return { networks: [], errors }
    }
    const networks = members.flatMap((member: unknown, i) => {
      const { architecture, preprocessing } = (member ?? {}) as Record<string, unknown>
      return readNetwork(architecture, preprocessing, `member ${i} of the file`, errors) ?? []
    })
    return { networks, errors }
  }
  const architecture = given ?? parse(metadata.architecture, 'architecture', refuse)
  const preprocessing =
    metadata.preprocessing === undefined
      ? null
      : parse(metadata.preprocessing, 'preprocessing', refuse)
  if (errors.length > 0) return { networks: [], errors }
  if (architecture === undefined) {
    const detail = 'is required: the file does not say its architecture'
    return { networks: [], errors: [{ parameter: 'architecture', detail }] }
  }
  const place = given === undefined ? 'the file' : 'the given architecture'
  const network = readNetwork(architecture, preprocessing, place, errors)
  if (network === null) return { networks: [], errors }
  if (found !== null) errors.push(...findOperatorFaults(found, network.architecture))
  return { networks: [network], errors }
}

function parse(text: string | undefined, name: string, refuse: (detail: string) => void): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    refuse(`The file's ${name} is no JSON`)
    return undefined
  }
}

function readNetwork(
  givenArchitecture: unknown,
  givenPreprocessing: unknown,
  place: string,
  errors: FieldError[],
): StoredNetwork | null {
  const input = architectureInputSchema.safeParse(givenArchitecture)
  const preprocessing = preprocessingSchema.nullable().safeParse(givenPreprocessing ?? null)
  for (const { success, error } of [input, preprocessing]) {
    if (success) continue
    for (const { path, message } of error.issues) {
      errors.push({ detail: `In ${place}, ${path.map(String).join('.') || 'it'}: ${message}` })
    }
  }
  if (!input.success || !preprocessing.success) return null
  return checkNetwork(input.data, preprocessing.data, place, errors)
}

function checkNetwork(
  input: ArchitectureInput,
  preprocessing: Preprocessing | null,
  place: string,
  errors: FieldError[],
): StoredNetwork {
  const { architecture, errors: faults } = importArchitecture(input, preprocessing, {
    pointer: 'architecture',
    preprocessingPointer: 'preprocessing',
  })
  for (const { pointer, detail } of faults) {
    errors.push({ detail: `In ${place}, ${pointer}: ${detail}` })
  }
  return { architecture, preprocessing }
}

function findOperatorFaults(
  { activations, output }: NonNullable<FileDescription['found']>,
  { hidden, output_activation }: Architecture,
): FieldError[] {
  const faults: FieldError[] = []
  for (const [i, { activation }] of hidden.entries()) {
    const there = activations[i] ?? 'linear'
    if (activation === there) continue
    faults.push({
      detail: `Hidden layer ${i} is ${there} in the file, ${activation} in the architecture`,
    })
  }
  // Logits are a fair output: the architecture says what they become.
  if (output !== 'linear' && output !== output_activation) {
    const detail = `The output is ${output} in the file, ${output_activation} in the architecture`
    faults.push({ detail })
  }
  return faults
}
