/** What is done to the training rows of every epoch, and the image that some of it needs. */
import type { FieldError, JobSpec, ResolvedConfig } from '@trainyard/contracts'

type Image = NonNullable<ResolvedConfig['training']['image']>

export function resolveAugmentation(
  spec: JobSpec,
  inputs: number,
  errors: FieldError[],
): Pick<ResolvedConfig['training'], 'augmentation' | 'image'> {
  const image = resolveImage(spec, inputs, errors)
  const given = spec.training?.augmentation ?? []
  for (const [index, entry] of given.entries()) {
    const pointer = `#/training/augmentation/${index}`
    switch (entry.type) {
      case 'gaussian_noise':
      case 'feature_drop':
        continue
      case 'mixup':
        if (given.findIndex(({ type }) => type === 'mixup') !== index) {
          errors.push({ pointer, detail: 'rows are mixed once; give one "mixup"' })
        }
        continue
      case 'shift':
      case 'crop':
        if (image !== null && entry.pixels >= Math.max(image.height, image.width)) {
          errors.push({
            pointer: `${pointer}/pixels`,
            detail: `${entry.pixels} pixels leave nothing of an image of ${image.height} × ${image.width}; use less than its longer side`,
          })
        }
        break
      default:
    }
    if (image === null) {
      errors.push({
        pointer,
        detail: `"${entry.type}" needs the shape of the image: give training.image with height, width and channels`,
      })
    }
  }
  return { augmentation: given.length === 0 ? null : [...given], image }
}

function resolveImage(spec: JobSpec, inputs: number, errors: FieldError[]): Image | null {
  const given = spec.training?.image
  if (given == null) return null
  const image = { ...given, channels: given.channels ?? 1 }
  const { height, width, channels } = image
  const values = height * width * channels
  if (values !== inputs) {
    errors.push({
      pointer: '#/training/image',
      detail: `${height} × ${width} × ${channels} is ${values} values, but the network has ${inputs} inputs`,
    })
  }
  return image
}
