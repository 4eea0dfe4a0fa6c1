import type { Column, ModelMember } from '@trainyard/contracts'
import type { NewModelVersion } from '@trainyard/domain'
import { describeSignature, encodedInputs, makeExampleRecords } from '@trainyard/model'

export interface FoundMember extends ModelMember {
  /** Of the data set it learnt from, where that is known: the ranges of the signature. */
  columns: readonly Column[] | null
}

/** Beyond it a list of inputs helps nobody. */
const SIGNATURE_INPUTS_MAX = 16_384

/** What a version says of its networks. */
export function describeMembers(
  members: readonly FoundMember[],
): Pick<NewModelVersion, 'architecture' | 'preprocessing' | 'members' | 'signature' | 'example'> {
  const [first, second] = members
  if (first === undefined) throw new Error('a model has at least one network')
  const { architecture, preprocessing } = first
  const isDescribed = (preprocessing?.columns.length ?? architecture.inputs) <= SIGNATURE_INPUTS_MAX
  const signature = isDescribed ? describeSignature(members) : null
  const transforms = preprocessing ?? encodedInputs(architecture)
  const example = signature && { records: makeExampleRecords(signature, transforms, 1) }
  return second === undefined
    ? { architecture, preprocessing, members: null, signature, example }
    : {
        architecture: null,
        preprocessing: null,
        members: members.map(({ columns: _, ...member }) => member),
        signature,
        example,
      }
}
