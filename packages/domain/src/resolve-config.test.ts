import type { Column, FieldError, JobSpec, ResolvedConfig } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { DomainError } from './errors.ts'
import { type DatasetFacts, resolveConfig } from './resolve-config.ts'
import type { HeldOutSet } from './resolve-held-out-set.ts'
import { runsOf } from './resolve-parts.ts'

const digits = makeDataset({ rows: 1797, levels: [...'0123456789'] })
const gates = makeDataset({ rows: 4, levels: ['0', '1'] })
const prices = makeDataset({ rows: 500, levels: null, task: 'regression' })

describe('resolveConfig', () => {
  it('fills in the documented defaults when only the data set is named', () => {
    const resolved = resolve({}, digits)

    expect(resolved).toMatchObject({
      task: 'classification',
      preprocessing: {
        numeric: 'standardize',
        target: 'none',
        missing: 'mean',
        unseen_category: 'zero',
        max_levels: 64,
      },
      validation: { fraction: 0.2, stratify: true },
      training: {
        loss: 'cross_entropy',
        optimizer: {
          type: 'adam',
          learning_rate: 0.001,
          beta1: 0.9,
          beta2: 0.999,
          epsilon: 1e-8,
          bias_correction: true,
        },
        batch_size: 32,
        epochs: 100,
        shuffle: true,
        early_stopping: { metric: 'val_loss', patience: 10, min_delta: 0 },
        lr_schedule: null,
        regularization: null,
        gradient_clip: null,
        class_weight: null,
        label_smoothing: 0,
      },
      seed: 99,
    })
    expect(resolved.model.output).toMatchObject({ units: 10, activation: 'softmax' })
  })

  it.each([
    [{ epochs: 7 }, { epochs: 7, batch_size: 32, early_stopping: null }],
    [{ batch_size: 64 }, { epochs: 50, batch_size: 64, early_stopping: null }],
    [
      { batch_size: 'full' as const, epochs: 3 },
      { epochs: 3, batch_size: 1438, early_stopping: null },
    ],
    [{ early_stopping: null }, { epochs: 100, batch_size: 32, early_stopping: null }],
    [
      { epochs: 7, early_stopping: { patience: 2 } },
      { epochs: 7, early_stopping: { metric: 'val_loss', patience: 2, min_delta: 0 } },
    ],
  ])('turns training %o into %o', (training, expected) => {
    expect(resolve({ training }, digits).training).toMatchObject(expected)
  })

  it.each<[JobSpec['training'], object]>([
    [
      { optimizer: { type: 'rmsprop' } },
      { optimizer: { type: 'rmsprop', learning_rate: 0.001, rho: 0.99, epsilon: 1e-8 } },
    ],
    [{ optimizer: { type: 'adagrad' } }, { optimizer: { type: 'adagrad', learning_rate: 0.01 } }],
    [
      { optimizer: { type: 'adamw', weight_decay: 0 } },
      {
        optimizer: {
          type: 'adamw',
          learning_rate: 0.001,
          beta1: 0.9,
          beta2: 0.999,
          epsilon: 1e-8,
          weight_decay: 0,
        },
      },
    ],
    [{ optimizer: { type: 'adamw' } }, { optimizer: { weight_decay: 0.01 } }],
    [{ loss: 'hinge' }, { loss: 'hinge' }],
    [{ label_smoothing: 0.1 }, { label_smoothing: 0.1 }],
    [
      { lr_schedule: { type: 'constant' } },
      { lr_schedule: { type: 'constant', warmup_epochs: 0 } },
    ],
    [
      { lr_schedule: { type: 'step', every_epochs: 10, factor: 0.5, warmup_epochs: 3 } },
      { lr_schedule: { type: 'step', every_epochs: 10, factor: 0.5, warmup_epochs: 3 } },
    ],
    [
      { lr_schedule: { type: 'inverse_time', decay: 0.1 } },
      { lr_schedule: { type: 'inverse_time', decay: 0.1, warmup_epochs: 0 } },
    ],
    [
      { lr_schedule: { type: 'reduce_on_plateau' } },
      {
        lr_schedule: {
          type: 'reduce_on_plateau',
          factor: 0.5,
          patience: 5,
          cooldown: 0,
          min_lr: 0,
          warmup_epochs: 0,
        },
      },
    ],
    [{ regularization: { l2: 1e-4 } }, { regularization: { l1: 0, l2: 1e-4 } }],
    [{ regularization: { l1: 1e-5 } }, { regularization: { l1: 1e-5, l2: 0 } }],
    [{ gradient_clip: { norm: 1 } }, { gradient_clip: { norm: 1 } }],
    [{ gradient_clip: { value: 0.5 } }, { gradient_clip: { value: 0.5 } }],
    [{ class_weight: 'balanced' }, { class_weight: 'balanced' }],
    [{ class_weight: { '9': 4, '0': 0 } }, { class_weight: [0, 1, 1, 1, 1, 1, 1, 1, 1, 4] }],
  ])('resolves training %o to %o', (training, expected) => {
    expect(resolve({ training }, digits).training).toMatchObject(expected)
  })

  it('gives hinge one raw score per class, also for two', () => {
    const { model } = resolve({ training: { loss: 'hinge' } }, gates)

    expect(model.output).toMatchObject({ units: 2, activation: 'linear' })
  })

  it.each<[NonNullable<JobSpec['training']>['loss'], unknown]>([
    ['mae', 'mae'],
    ['huber', { type: 'huber', delta: 1 }],
    [{ type: 'huber' }, { type: 'huber', delta: 1 }],
    [
      { type: 'huber', delta: 0.5 },
      { type: 'huber', delta: 0.5 },
    ],
  ])('takes the loss %o for a regression, whole numbers for quantities', (loss, expected) => {
    const resolved = resolve({ training: { loss } }, gates)

    expect(resolved.training.loss).toEqual(expected)
    expect([resolved.task, resolved.model.output.activation]).toEqual(['regression', 'linear'])
  })

  it('trains on all rows below twenty, with the batch cut to them and no early stopping', () => {
    const resolved = resolve({}, gates)

    expect(resolved.validation).toBeNull()
    expect(resolved.training).toMatchObject({
      batch_size: 4,
      early_stopping: null,
      loss: 'binary_cross_entropy',
    })
    expect(resolved.model.output).toMatchObject({ units: 1, activation: 'sigmoid' })
  })

  it('scales a regression target unless the numbers are to stay as they are', () => {
    expect(resolve({}, prices).preprocessing.target).toBe('standardize')
    expect(resolve({ preprocessing: { numeric: 'none' } }, prices).preprocessing.target).toBe(
      'none',
    )
    expect(resolve({}, prices)).toMatchObject({
      task: 'regression',
      validation: { stratify: false },
      training: { loss: 'mse' },
      model: { output: { units: 1, activation: 'linear' } },
    })
  })

  it('gives two classes two softmax outputs when cross-entropy is asked for', () => {
    const resolved = resolve({ training: { loss: 'cross_entropy' } }, gates)

    expect(resolved.model.output).toMatchObject({ units: 2, activation: 'softmax' })
  })

  it('takes whole numbers for quantities when mse is asked for', () => {
    const resolved = resolve({ training: { loss: 'mse' } }, gates)

    expect([resolved.task, resolved.training.loss]).toEqual(['regression', 'mse'])
  })

  it('splits by the column of the role "group", or by the one that is named', () => {
    const { columns } = digits
    const group = { ...(columns[0] as Column), name: 'patient', role: 'group' as const }
    const grouped = { ...digits, columns: [...columns, group] }

    expect(resolve({}, grouped).validation).toEqual({
      fraction: 0.2,
      stratify: false,
      group_column: 'patient',
    })
    expect(resolve({ validation: { group_column: 'x' } }, grouped).validation).toMatchObject({
      group_column: 'x',
    })
    expect(resolve({}, digits).validation).toMatchObject({ stratify: true, group_column: null })
  })

  it('never changes a hidden layer that is given, an empty list included', () => {
    expect(resolve({ model: { hidden: [] } }, digits).model.hidden).toEqual([])
    expect(resolve({ model: { hidden: [{ units: 3 }] } }, digits).model.hidden).toEqual([
      { units: 3, activation: 'relu', initializer: 'auto', batch_norm: false, dropout: 0 },
    ])
  })

  it('keeps batch normalization and dropout as they are given', () => {
    const hidden = [{ units: 3, batch_norm: true, dropout: 0.5 }, { units: 2 }]

    const { model } = resolve({ model: { hidden, input_dropout: 0.1 } }, digits)

    expect(model.hidden).toMatchObject([
      { batch_norm: true, dropout: 0.5 },
      { batch_norm: false, dropout: 0 },
    ])
    expect([model.input_dropout, resolve({}, digits).model.input_dropout]).toEqual([0.1, 0])
  })

  it('keeps the seed it is given', () => {
    expect(resolve({ seed: 0 }, digits).seed).toBe(0)
  })

  it.each<[string, Partial<JobSpec>, DatasetFacts, string, RegExp]>([
    [
      'a batch larger than the rows',
      { training: { batch_size: 2000 } },
      digits,
      '#/training/batch_size',
      /2000.*1438/,
    ],
    [
      'early stopping without validation',
      { validation: null, training: { early_stopping: {} } },
      digits,
      '#/training/early_stopping',
      /validation/,
    ],
    [
      'a loss of another task',
      { training: { loss: 'cross_entropy' } },
      prices,
      '#/training/loss',
      /regression/,
    ],
    [
      'a hinge of numbers',
      { training: { loss: 'hinge' } },
      prices,
      '#/training/loss',
      /"hinge" does not fit regression of a number; use "mse"/,
    ],
    [
      'a huber of classes that are said to be classes',
      { task: 'classification', training: { loss: 'huber' } },
      digits,
      '#/training/loss',
      /"huber" does not fit classification of 10 classes/,
    ],
    [
      'softened labels of a hinge',
      { training: { loss: 'hinge', label_smoothing: 0.1 } },
      digits,
      '#/training/label_smoothing',
      /cross-entropies, not with hinge/,
    ],
    [
      'the weight of a label that is no class',
      { training: { class_weight: { '0': 2, 'a/b': 3 } } },
      gates,
      '#/training/class_weight/a~1b',
      /"a\/b" is no class of the target, which has "0", "1"/,
    ],
    [
      'more weights than classes',
      { training: { class_weight: [1, 2, 3] } },
      gates,
      '#/training/class_weight',
      /3 weights for 2 classes/,
    ],
    [
      'weights that are all zero',
      { training: { class_weight: [0, 0] } },
      gates,
      '#/training/class_weight',
      /nothing would be learned/,
    ],
    [
      'class weights of a regression',
      { training: { class_weight: 'balanced' } },
      prices,
      '#/training/class_weight',
      /no classes/,
    ],
    [
      'a decay by more than the weight',
      { training: { optimizer: { type: 'adamw', learning_rate: 0.1, weight_decay: 11 } } },
      digits,
      '#/training/optimizer/weight_decay',
      /11 at a learning rate of 0.1.*at most 10$/,
    ],
    [
      'binary cross-entropy of ten classes',
      { training: { loss: 'binary_cross_entropy' } },
      digits,
      '#/training/loss',
      /10/,
    ],
    [
      'an output that is not the loss’s',
      { model: { hidden: [], output: { activation: 'linear' } } },
      digits,
      '#/model/output/activation',
      /softmax/,
    ],
    [
      'a group column there is not',
      { validation: { group_column: 'z' } },
      digits,
      '#/validation/group_column',
      /no column "z"/,
    ],
    [
      'the shares of classes in whole groups',
      { validation: { group_column: 'x', stratify: true } },
      digits,
      '#/validation/stratify',
      /stay together/,
    ],
    [
      'an accuracy of regression',
      { limits: { target: { metric: 'val_accuracy', goal: 'maximize', value: 1 } } },
      prices,
      '#/limits/target/metric',
      /accuracy/,
    ],
    [
      'regression of text',
      { task: 'regression' },
      makeDataset({ rows: 100, levels: ['a', 'b'], type: 'category' }),
      '#/task',
      /text/,
    ],
  ])('refuses %s and says where', (_, spec, dataset, pointer, detail) => {
    const errors = faultsOf(spec, dataset)

    expect(errors).toContainEqual({ pointer, detail: expect.stringMatching(detail) })
  })

  describe('folds', () => {
    it('are stratified for classes, and stop early as any validation does', () => {
      expect(resolve({ validation: { folds: 5 } }, digits)).toMatchObject({
        validation: { folds: 5, stratify: true, group_column: null },
        training: { batch_size: 32, early_stopping: { metric: 'val_loss', patience: 10 } },
      })
      expect(resolve({ validation: { folds: 4 } }, prices).validation).toEqual({
        folds: 4,
        stratify: false,
        group_column: null,
      })
    })

    it('bound the batch by their smallest training part; a full batch is full in every training', () => {
      const fits = { validation: { folds: 2 }, training: { batch_size: 2 } }
      const tooLarge = { validation: { folds: 2 }, training: { batch_size: 3 } }
      const full = { validation: { folds: 2 }, training: { batch_size: 'full' as const } }

      expect(resolve(fits, gates).training.batch_size).toBe(2)
      expect(faultsOf(tooLarge, gates)).toMatchObject([{ pointer: '#/training/batch_size' }])
      expect(resolve(full, gates).training.batch_size).toBe(4)
    })

    it('are refused where they are more than the rows, and with a limit of time; a target ends each of them', () => {
      const target = { metric: 'val_loss', goal: 'minimize', value: 0 } as const
      expect(faultsOf({ validation: { folds: 5 } }, gates)).toMatchObject([
        { pointer: '#/validation/folds', detail: '5 is more than the 4 rows; use at most that' },
      ])
      expect(
        faultsOf({ validation: { folds: 5 }, limits: { max_seconds: 9, target } }, digits),
      ).toEqual([
        { pointer: '#/limits/max_seconds', detail: expect.stringContaining('limit epochs') },
      ])
      expect(
        resolve({ validation: { folds: 5 }, limits: { target } }, digits).limits.target,
      ).toEqual(target)
    })

    it('keep the groups of the column named, or of that role, and then no shares of classes', () => {
      const groups = {
        ...digits,
        columns: digits.columns.map((column) =>
          column.name === 'x' ? { ...column, role: 'group' as const } : column,
        ),
      }
      const grouped = { folds: 5, stratify: false, group_column: 'x' }

      expect(resolve({ validation: { folds: 5 } }, groups).validation).toEqual(grouped)
      expect(resolve({ validation: { folds: 5, group_column: 'x' } }, digits).validation).toEqual(
        grouped,
      )
      expect(faultsOf({ validation: { folds: 5, group_column: 'no' } }, digits)).toMatchObject([
        { pointer: '#/validation/group_column' },
      ])
    })
  })

  describe('the perceptron', () => {
    const PERCEPTRON = {
      model: { hidden: [], output: { activation: 'step' } },
      training: { optimizer: { type: 'perceptron' } },
    } satisfies Partial<JobSpec>

    it.each([
      [gates, 1],
      [digits, 10],
    ])('has one unit for two classes, else one for each, and learns row by row', (data, units) => {
      expect(resolve(PERCEPTRON, data)).toMatchObject({
        model: { hidden: [], output: { units, activation: 'step' } },
        training: {
          loss: 'perceptron',
          optimizer: { type: 'perceptron', learning_rate: 0.1 },
          batch_size: 1,
          epochs: 100,
        },
      })
    })

    it('is refused with all that it has not, each where it stands', () => {
      const errors = faultsOf(
        {
          model: { hidden: [{ units: 2 }], output: { activation: 'step' } },
          training: { loss: 'mse', batch_size: 4, class_weight: 'balanced' },
        },
        gates,
      )

      expect(errors.map(({ pointer }) => pointer)).toEqual([
        '#/task',
        '#/training/optimizer',
        '#/model/hidden',
        '#/training/loss',
        '#/training/batch_size',
        '#/training/class_weight',
      ])
    })

    it.each<[string, Partial<JobSpec>, DatasetFacts, string, RegExp]>([
      ['of numbers', PERCEPTRON, prices, '#/task', /answers classes/],
      [
        'that descends a gradient',
        { ...PERCEPTRON, training: { optimizer: { type: 'sgd' } } },
        gates,
        '#/training/optimizer',
        /trained by \{"type": "perceptron"\}, not by "sgd"/,
      ],
      [
        'without its step',
        { ...PERCEPTRON, model: { hidden: [] } },
        gates,
        '#/model/output/activation',
        /the output "step", not "auto"/,
      ],
      [
        'without its shape',
        { training: PERCEPTRON.training },
        gates,
        '#/model/hidden',
        /hidden must be \[\]/,
      ],
      [
        'in batches',
        { ...PERCEPTRON, training: { ...PERCEPTRON.training, batch_size: 'full' } },
        gates,
        '#/training/batch_size',
        /must be 1, got full/,
      ],
    ])('is refused %s', (_, spec, dataset, pointer, detail) => {
      expect(faultsOf(spec, dataset)).toContainEqual({
        pointer,
        detail: expect.stringMatching(detail),
      })
    })
  })

  it('trains on all rows where another data set validates, and stops early by it', () => {
    const set = { part: 'validation', id: 'ds_2', ...digits, rows: 100 } as const

    const resolved = resolve(
      { training: { batch_size: 'full' }, validation: { dataset_id: 'ds_2' } },
      digits,
      set,
    )
    const free = resolve({ validation: { dataset_id: 'ds_2' } }, digits, set)

    expect(resolved.validation).toEqual({ dataset_id: 'ds_2', rows: 100 })
    expect(resolved.training.batch_size).toBe(1797)
    expect(runsOf(1797, resolved)).toEqual([
      { trainingRows: 1797, validationRows: 100, testRows: 0 },
    ])
    expect(free.training.early_stopping).toMatchObject({ metric: 'val_loss' })
  })

  describe('groups', () => {
    const digitsOf = (groups: number | null) => (spec: Partial<JobSpec>) => {
      try {
        resolveConfig(
          { dataset_id: 'ds_1', ...spec },
          {
            ...{ dataset: digits, validationSet: null, testSet: null, initialModel: null },
            ...{ inputWidth: () => 1, groupsOf: () => groups, drawSeed: () => 1 },
          },
        )
        return []
      } catch (error) {
        if (error instanceof DomainError) return error.details.errors ?? []
        throw error
      }
    }
    const group_column = 'x'
    const folds = { validation: { folds: 5, group_column } }
    const test = { fraction: 0.1 }

    it('that are too few for the parts are refused, each part needing one', () => {
      expect(digitsOf(4)(folds)).toEqual([
        {
          pointer: '#/validation/folds',
          detail: '"x" has 4 groups; at least 5 are needed, one for each part',
        },
      ])
      expect(digitsOf(5)({ ...folds, test })).toMatchObject([{ pointer: '#/validation/folds' }])
      expect(digitsOf(1)({ validation: { group_column } })).toMatchObject([
        { pointer: '#/validation/group_column', detail: expect.stringContaining('1 group;') },
      ])
      expect(digitsOf(1)({ test: { ...test, group_column } })).toMatchObject([
        { pointer: '#/test/group_column' },
      ])
    })

    it('that suffice, or are not known, are taken', () => {
      expect(digitsOf(5)(folds)).toEqual([])
      expect(digitsOf(6)({ ...folds, test })).toEqual([])
      expect(digitsOf(null)(folds)).toEqual([])
    })
  })

  describe('a test part', () => {
    const test = { fraction: 0.1 }
    const rowsOf = (resolved: ResolvedConfig) =>
      runsOf(1797, resolved).map((run) => [run.trainingRows, run.validationRows, run.testRows])

    it('is a share of all rows beside that which validates, and there is none unless it is asked for', () => {
      const resolved = resolve({ test }, digits)

      expect(resolved.test).toEqual({ fraction: 0.1, stratify: true, group_column: null })
      expect(rowsOf(resolved)).toEqual([[1797 - 359 - 180, 359, 180]])
      expect(resolve({}, digits).test).toBeNull()
      expect(resolve({ test: null }, digits).test).toBeNull()
    })

    it('is in no fold, and not among the rows that the final model trains on', () => {
      const resolved = resolve({ test, validation: { folds: 5 } }, digits)

      expect(rowsOf(resolved)).toEqual([
        [1617 - 323, 323, 180],
        [1617 - 324, 324, 180],
        [1617, 0, 180],
      ])
    })

    it('can be a data set, and then all of the job’s own rows train and validate', () => {
      const set = { part: 'test', id: 'ds_3', ...digits, rows: 50 } as const

      const resolved = resolve({ test: { dataset_id: 'ds_3' } }, digits, null, set)

      expect(resolved.test).toEqual({ dataset_id: 'ds_3', rows: 50 })
      expect(rowsOf(resolved)).toEqual([[1797 - 359, 359, 50]])
    })

    it('is drawn in the groups that validation keeps together, unless others are named', () => {
      const statistics = { missing: 0, min: 0, max: 1, mean: 0, std: 1 }
      const grouped = {
        ...digits,
        columns: [
          ...digits.columns,
          ...['patient', 'ward'].map((name) => ({
            ...{ name, type: 'number', role: 'feature', levels: null, ...statistics },
          })),
        ] as Column[],
      }
      const groupOf = (spec: Partial<JobSpec>) => resolve(spec, grouped).test

      expect(groupOf({ test, validation: { group_column: 'patient' } })).toMatchObject({
        ...{ stratify: false, group_column: 'patient' },
      })
      expect(
        groupOf({ test: { ...test, group_column: 'ward' }, validation: { folds: 3 } }),
      ).toMatchObject({ group_column: 'ward' })
      expect(faultsOf({ test: { ...test, group_column: 'nope' } }, grouped)).toMatchObject([
        { pointer: '#/test/group_column' },
      ])
    })

    it('leaves rows to train on, or is refused', () => {
      const few = makeDataset({ rows: 2, levels: ['0', '1'] })

      expect(faultsOf({ test: { fraction: 0.8 } }, digits)).toMatchObject([
        { pointer: '#/test/fraction', detail: expect.stringContaining('leave no row to train on') },
      ])
      expect(faultsOf({ test }, few)).toMatchObject([
        { pointer: '#/test/fraction', detail: expect.stringContaining('at least 3') },
      ])
    })
  })

  it.each([
    [undefined, { every_seconds: 10, keep: 2 }],
    [{ every_seconds: 0.5 }, { every_seconds: 0.5, keep: 2 }],
    [{ keep: 1 }, { every_seconds: 10, keep: 1 }],
  ])('resolves the checkpoints of %s', (checkpoint, resolved) => {
    expect(resolve({ ...(checkpoint && { checkpoint }) }, digits).checkpoint).toEqual(resolved)
  })

  it('names everything that is not supported yet, all at once', () => {
    const errors = faultsOf(
      {
        webhook: { url: 'https://example.com' },
      },
      digits,
    )

    expect(errors.map((error) => error.pointer)).toEqual(['#/webhook'])
  })

  it.each([
    [undefined, 1],
    [3, 3],
    ['auto', 'auto'],
  ] as const)(
    'keeps %s for the threads as %s: the worker sees what cores are free',
    (threads, resolved) => {
      const training = threads === undefined ? {} : { threads }

      expect(resolve({ training }, digits).training.threads).toBe(resolved)
    },
  )

  it('takes null and zero for off', () => {
    const off = {
      lr_schedule: null,
      regularization: { l1: 0, l2: 0 },
      gradient_clip: null,
      class_weight: null,
      augmentation: null,
      label_smoothing: 0,
    }

    expect(() => resolve({ training: off }, digits)).not.toThrow()
  })
})

function makeDataset(facts: {
  rows: number
  levels: string[] | null
  task?: DatasetFacts['task']
  type?: Column['type']
}): DatasetFacts {
  const plain = { missing: 0, min: 0, max: 1, mean: 0, std: 1 }
  return {
    rows: facts.rows,
    target: 'y',
    task: facts.task ?? 'classification',
    columns: [
      { name: 'x', type: 'number', role: 'feature', levels: null, ...plain },
      { name: 'y', type: facts.type ?? 'number', role: 'target', levels: facts.levels, ...plain },
    ],
  }
}

function resolve(
  spec: Partial<JobSpec>,
  dataset: DatasetFacts,
  ...[validationSet = null, testSet = null]: (HeldOutSet | null)[]
): ResolvedConfig {
  return resolveConfig(
    { dataset_id: 'ds_1', ...spec },
    {
      ...{ dataset, validationSet, testSet, initialModel: null },
      inputWidth: () => 1,
      drawSeed: () => 99,
    },
  )
}

function faultsOf(spec: Partial<JobSpec>, dataset: DatasetFacts): FieldError[] {
  try {
    resolve(spec, dataset)
  } catch (error) {
    if (error instanceof DomainError) return error.details.errors ?? []
    throw error
  }
  throw new Error('the specification was accepted')
}
