import {
  BATCH_CELLS_MAX,
  BATCH_COLUMNS_MAX,
  type BatchPrediction,
  type CreateBatchPredictionBody,
  createId,
  type Dataset,
  type FieldError,
  type ProjectId,
} from '@trainyard/contracts'
import {
  type BatchPredictionStore,
  type DatasetStore,
  DomainError,
  type IdempotencyStore,
  type IdempotentRequest,
  type ModelStore,
} from '@trainyard/domain'
import {
  findDatasetFaults,
  type PredictionOutput,
  possibleOutputs,
  type StoredNetwork,
} from '@trainyard/model'
import { findDataset } from './find-dataset.ts'
import { findModelVersion } from './find-model.ts'
import { networksOf } from './load-version.ts'
import { toChoice } from './predict.ts'
import { budgetExceeded } from './read-budget.ts'
import { findReplay, fromOnce, type Replayable } from './replay.ts'

export type CreateBatchPrediction = (
  projectId: ProjectId,
  body: CreateBatchPredictionBody,
  request: IdempotentRequest | null,
) => Promise<Replayable<BatchPrediction>>

/** Accepts a batch prediction with everything that it needs: what can be refused is refused here, before a row is read. */
export function makeCreateBatchPrediction(deps: {
  batchPredictions: Pick<BatchPredictionStore, 'insert'>
  datasets: Pick<DatasetStore, 'find'>
  models: Pick<ModelStore, 'findVersion'>
  idempotency: Pick<IdempotencyStore, 'find'>
}): CreateBatchPrediction {
  const { batchPredictions, datasets, models, idempotency } = deps
  return async (projectId, body, request) => {
    const replay = await findReplay<BatchPrediction>(idempotency, projectId, request)
    if (replay !== null) return replay
    const version = await findModelVersion(models, projectId, body.model, toChoice(body))
    const dataset = await findDataset(datasets, projectId, body.dataset_id)
    const networks = networksOf(version).map(({ architecture, preprocessing }) => {
      return { architecture, preprocessing }
    })
    const outputs = body.outputs ?? defaultOutputs(possibleOutputs(networks))
    assertFits(networks, dataset, outputs)
    const once = await batchPredictions.insert(
      {
        id: createId('batchPrediction'),
        projectId,
        name: body.name ?? null,
        model: version.model,
        version: version.version,
        modelSha256: version.sha256,
        ...{ networks, outputs, dataset },
      },
      request,
    )
    return fromOnce(once, request)
  }
}

function defaultOutputs(possible: readonly PredictionOutput[]): PredictionOutput[] {
  const scores = possible.includes('probabilities') ? 'probabilities' : 'logits'
  return possible.includes('value') ? ['value'] : ['label', scores]
}

function assertFits(
  networks: readonly StoredNetwork[],
  { columns, rows }: Dataset,
  outputs: readonly PredictionOutput[],
): void {
  const possible = possibleOutputs(networks)
  const errors: FieldError[] = [...outputs.entries()]
    .filter(([, output]) => !possible.includes(output))
    .map(([i, output]) => ({
      pointer: `#/outputs/${i}`,
      detail: `the model has no ${output}; it has ${possible.join(', ')}`,
    }))
  for (const detail of findDatasetFaults(networks, columns, rows)) {
    errors.push({ pointer: '#/dataset_id', detail })
  }
  if (errors.length > 0) throw new DomainError('validation_error', { errors })
  const ids = columns.filter(({ role }) => role === 'id').length
  // Beside row and label, or value.
  const width = ids + 2 + scoresWidth(networks, outputs)
  if (width > BATCH_COLUMNS_MAX) {
    const detail = `the result would have ${width} columns, at most ${BATCH_COLUMNS_MAX} are written: ask for the label alone`
    throw new DomainError('validation_error', { errors: [{ pointer: '#/outputs', detail }] })
  }
  const inputs = networks[0]?.preprocessing?.columns.length ?? networks[0]?.architecture.inputs ?? 0
  const cells = rows * Math.max(inputs, width)
  if (cells > BATCH_CELLS_MAX) {
    const detail = `has ${rows} rows, of ${inputs} columns that are read and ${width} that are written: at most ${BATCH_CELLS_MAX} cells of either fit`
    throw budgetExceeded({ pointer: '#/dataset_id' }, detail)
  }
}

function scoresWidth(
  networks: readonly StoredNetwork[],
  outputs: readonly PredictionOutput[],
): number {
  const { classes, outputs: logits } = networks[0]?.architecture ?? { classes: null, outputs: 0 }
  const shares = outputs.includes('probabilities') ? (classes?.length ?? 0) : 0
  return shares + (outputs.includes('logits') ? logits : 0)
}
