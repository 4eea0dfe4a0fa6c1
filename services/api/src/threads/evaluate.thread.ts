/** Judges and explains models away from the event loop. */
import { DataError } from '@trainyard/datasets'
import {
  evaluate,
  inputGradient,
  openModel,
  partialDependence,
  permutationImportance,
  type TrainedModel,
  unpackLayers,
} from '@trainyard/model'
import type { StoredModel } from '../use-cases/load-model.ts'
import type { EvaluationAnswer, EvaluationTask } from './evaluation-thread.ts'

export default async function answer(task: EvaluationTask): Promise<EvaluationAnswer> {
  const model = await openModel(toModel(task.model))
  try {
    return { answer: compute(task, model) }
  } catch (error) {
    if (error instanceof DataError) return { faults: [...error.faults] }
    throw error
  } finally {
    model.close()
  }
}

function compute(task: EvaluationTask, model: TrainedModel) {
  switch (task.kind) {
    case 'evaluate':
      return evaluate(model, task.table, task.rows)
    case 'importance':
      return permutationImportance(model, task)
    case 'dependence':
      return partialDependence(model, task)
    case 'inputGradient':
      return inputGradient(model, task.record)
  }
}

function toModel({ architecture, preprocessing, bytes }: StoredModel): TrainedModel {
  return { architecture, preprocessing, layers: unpackLayers(architecture, bytes) }
}
