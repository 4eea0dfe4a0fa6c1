/** What a person wants to know of a model before using it, as Markdown. */
import type {
  Architecture,
  Job,
  Lineage,
  MetricsSummary,
  ModelSignature,
} from '@trainyard/contracts'

export interface CardFacts {
  title: string
  parameterCount: number
  sha256: string
  architectures: readonly Architecture[]
  signature: ModelSignature | null
  /** Of each network that a job has trained. */
  lineages: readonly Lineage[]
  /** The job of the only network, while it is there. */
  job: Job | null
  /** Where the picture of the curves is; null for none. */
  curves: string | null
}

/** Inputs that a table lists; of more, the first. */
const INPUTS_SHOWN = 100
const LEVELS_SHOWN = 12

export function renderModelCard(facts: CardFacts): string {
  const { title, job, curves } = facts
  return [
    `# ${inline(title)}`,
    describe(facts),
    ...(curves === null ? [] : [`![Loss and accuracy by epoch](${curves})`]),
    ...(job === null ? [] : [renderMetrics(job)]),
    ...(facts.signature === null ? [] : [renderSignature(facts.signature)]),
    renderNetworks(facts),
    ...(facts.lineages.length === 0 ? [] : [renderLineages(facts.lineages)]),
    `Weights: SHA-256 \`${facts.sha256}\`.`,
    '',
  ].join('\n\n')
}

function describe({ architectures, signature, parameterCount }: CardFacts): string {
  const [first] = architectures
  const what =
    architectures.length > 1 ? `An ensemble of ${architectures.length} networks` : 'A network'
  const output = signature?.output.name ?? first?.target ?? ''
  const classes = first?.classes ?? null
  const question =
    classes === null
      ? `that estimates ${inline(output)}`
      : `that tells ${classes.length} classes of ${inline(output)} apart`
  return `${what} ${question}, with ${parameterCount} parameters.`
}

function renderMetrics({ best, final, baselines, stop_reason }: Job): string {
  const rows = [
    ['best', best],
    ['last', final],
  ].flatMap(([name, at]) => {
    if (at === null || typeof at !== 'object') return []
    return [`| ${name} | ${at.epoch} | ${metricCells(at.metrics)} |`]
  })
  return [
    '## Measured',
    '',
    '| weights | epoch | training loss | training accuracy | validation loss | validation accuracy |',
    '|---|---|---|---|---|---|',
    ...rows,
    ...(stop_reason === null ? [] : ['', `Training ended: ${stop_reason}.`]),
    ...(baselines ?? []).map(({ detail }) => `- ${inline(detail)}`),
  ].join('\n')
}

function metricCells(metrics: MetricsSummary): string {
  const { train_loss, train_accuracy, val_loss, val_accuracy } = metrics
  return [train_loss, train_accuracy, val_loss, val_accuracy]
    .map((value) => (value === null ? '' : Number(value.toPrecision(5))))
    .join(' | ')
}

function renderSignature({ inputs, output }: ModelSignature): string {
  const rows = inputs.slice(0, INPUTS_SHOWN).map(({ name, type, required, min, max, levels }) => {
    const values =
      levels === null
        ? [min, max].includes(null)
          ? ''
          : `${min} to ${max}`
        : `${levels.slice(0, LEVELS_SHOWN).map(inline).join(', ')}${levels.length > LEVELS_SHOWN ? ', …' : ''}`
    return `| ${inline(name)} | ${type} | ${required ? 'no' : 'yes'} | ${values} |`
  })
  return [
    '## Inputs',
    '',
    '| name | type | may be missing | values seen |',
    '|---|---|---|---|',
    ...rows,
    ...(inputs.length > INPUTS_SHOWN ? ['', `… and ${inputs.length - INPUTS_SHOWN} more.`] : []),
    ...(output.classes === null ? [] : ['', `Classes: ${output.classes.map(inline).join(', ')}.`]),
  ].join('\n')
}

function renderNetworks({ architectures }: CardFacts): string {
  const lines = architectures.map(({ inputs, hidden, outputs, output_activation }) => {
    const layers = hidden.map(
      ({ units, activation, batch_norm }) =>
        `${units} ${activation}${batch_norm ? ' after batch normalization' : ''}`,
    )
    return `- ${[`${inputs} inputs`, ...layers, `${outputs} ${output_activation}`].join(' → ')}`
  })
  return ['## Network', '', ...lines].join('\n')
}

function renderLineages(lineages: readonly Lineage[]): string {
  const rows = lineages.map(
    ({ job_id, dataset_id, dataset_sha256, engine_version, config, parent }) => {
      const start = parent === null ? '' : `${inline(parent.model)} ${parent.version}`
      return `| ${job_id} | ${dataset_id} | ${dataset_sha256?.slice(0, 16) ?? ''} | ${config.seed} | ${inline(engine_version)} | ${start} |`
    },
  )
  return [
    '## Where it comes from',
    '',
    '| job | data set | its SHA-256 | seed | engine | began with |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** A name of the caller's inside a line or a cell: it can begin nothing of its own. */
function inline(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[\\`*_{}[\]<>|#!]/g, (sign) => `\\${sign}`)
}
