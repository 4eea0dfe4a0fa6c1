import { type AugmentationSpec, augmentationPreviewSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
let iris: string
beforeAll(async () => {
  test = await buildTestApp()
  iris = (await test.makeDataset({ builtin: { generator: 'iris' } })).id
})
afterAll(() => test.close())

const IMAGE = { height: 2, width: 2 }
const post = (training: object, query = '') =>
  test.send('POST', `/v1/augmentation_preview${query}`, {
    body: { dataset_id: iris, seed: 3, training },
  })
const preview = async (augmentation: AugmentationSpec[], query = '') =>
  augmentationPreviewSchema.parse((await post({ augmentation, image: IMAGE }, query)).json())

describe('200', () => {
  it('shows rows of the training part before and after', async () => {
    const { rows, epoch, resolved_config } = await preview([{ type: 'gaussian_noise', std: 0.1 }])

    expect(rows).toHaveLength(8)
    expect(epoch).toBe(1)
    expect(resolved_config.training).toMatchObject({
      augmentation: [{ type: 'gaussian_noise', std: 0.1 }],
      image: { height: 2, width: 2, channels: 1 },
    })
    const indices = rows.map(({ row }) => row)
    expect(indices).toEqual([...new Set(indices)].sort((a, b) => a - b))
    for (const { original, augmented } of rows) {
      const distances = augmented.map((value, i) => Math.abs((value ?? 0) - (original[i] ?? 0)))
      expect(distances).toHaveLength(4)
      expect(Math.min(...distances)).toBeGreaterThan(0)
      expect(Math.max(...distances)).toBeLessThan(0.7)
    }
  })

  it('mirrors images of the layout given', async () => {
    const { rows } = await preview([{ type: 'flip', axis: 'horizontal' }], '?rows=32')

    const mirrored = rows.filter(({ original, augmented }) => {
      const [a, b, c, d] = original
      const isMirrored = String(augmented) === String([b, a, d, c])
      if (!isMirrored) expect(augmented).toEqual(original)
      return isMirrored
    })
    expect(mirrored.length).toBeGreaterThan(4)
    expect(mirrored.length).toBeLessThan(28)
  })

  it('names the row that another was mixed with, and its share', async () => {
    const { rows } = await preview([{ type: 'mixup', alpha: 1 }])

    for (const { mixed_with: mixed } of rows) {
      expect(mixed?.row).toBeGreaterThanOrEqual(0)
      expect(mixed?.row).toBeLessThan(150)
      expect(mixed?.share).toBeGreaterThan(0)
      expect(mixed?.share).toBeLessThan(1)
    }
  })

  it('is the same each time, and another in another epoch', async () => {
    const noise: AugmentationSpec[] = [{ type: 'feature_drop', p: 0.5 }]
    const [first, again, later] = [
      await preview(noise, '?epoch=2'),
      await preview(noise, '?epoch=2'),
      await preview(noise, '?epoch=3'),
    ]

    expect(again).toEqual(first)
    expect(later.rows.map(({ original }) => original)).toEqual(
      first.rows.map(({ original }) => original),
    )
    expect(later.rows).not.toEqual(first.rows)
  })

  it('leaves no job behind', async () => {
    expect((await test.send('GET', '/v1/jobs')).json().data).toEqual([])
  })
})

describe('422', () => {
  it.each([
    [{ augmentation: [{ type: 'rotate', degrees: 5 }] }, '#/training/augmentation/0'],
    [
      {
        augmentation: [
          { type: 'gaussian_noise', std: 1 },
          { type: 'crop', pixels: 2 },
        ],
        image: IMAGE,
      },
      '#/training/augmentation/1/pixels',
    ],
    [{ image: { height: 3, width: 1 } }, '#/training/image'],
    [{ augmentation: [{ type: 'feature_drop', p: 1 }] }, '#/training/augmentation/0/p'],
    [{ augmentation: [{ type: 'gaussian_noise', std: 0 }] }, '#/training/augmentation/0/std'],
    [
      {
        augmentation: [
          { type: 'mixup', alpha: 1 },
          { type: 'mixup', alpha: 2 },
        ],
      },
      '#/training/augmentation/1',
    ],
    [{ augmentation: [{ type: 'flip' }], image: IMAGE }, '#/training/augmentation/0/axis'],
  ])('refuses %j at %s', async (training, pointer) => {
    const { errors } = toProblem(await post(training))

    expect(errors?.map((error) => error.pointer)).toEqual([pointer])
  })

  it.each(['rows=0', 'rows=33', 'epoch=0', 'epoch=1.5'])('refuses %s', async (query) => {
    const { errors } = toProblem(await post({}, `?${query}`))

    expect(errors).toEqual([expect.objectContaining({ parameter: query.split('=')[0] })])
  })
})
