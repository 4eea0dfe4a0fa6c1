import { augmentRows } from '@trainyard/engine'
import { prepareTraining, toTrainingOptions } from '@trainyard/model'
import type { PreviewAnswer, PreviewTask } from './trace-thread.ts'

/** The first training rows as they are, and as the network sees them in an epoch. */
export function answerAugmentationPreview(task: PreviewTask): PreviewAnswer {
  const { resolved, epoch } = task
  const { training, trainingRowIndices } = prepareTraining(task)
  const { augmentation, seed } = toTrainingOptions(resolved)
  const width = resolved.model.inputs
  const original = (row: number) => training.inputs.subarray(row * width, (row + 1) * width)
  const augment = augmentation ? augmentRows(training, augmentation, seed, epoch) : null
  const shown = trainingRowIndices.subarray(0, task.rows)
  return {
    rows: Array.from(shown, (row, index) => {
      const { inputs, mixed } = augment?.(index) ?? { inputs: original(index), mixed: null }
      return {
        row,
        original: [...original(index)],
        augmented: [...inputs],
        mixed_with: mixed && {
          row: trainingRowIndices[mixed.partner] as number,
          share: 1 - mixed.share,
        },
      }
    }),
  }
}
