import type { DatasetWarning, DatasetWarningCode } from '@trainyard/contracts'

/** A wide table can have thousands of columns with the same fault; a reader has enough of them sooner. */
const PER_CODE_MAX = 50

/** What the caller can do, said once for each code; `{column}` stands for the quoted name of the column. */
const REMEDIES: Record<DatasetWarningCode, string> = {
  target_assumed: 'Name the target when sending the table, or PATCH the data set with "target".',
  header_looks_like_data:
    'If that is wrong, send the table again: with header=true if its first line holds names, with header=false if not.',
  empty_column:
    'Nothing needs to be done; leave the column out of the file if it is empty for good.',
  missing_words:
    'Leave missing cells empty, or say "types": {{column}: "category"} if these are levels.',
  mixed_types: 'Mend the cells that are no numbers, or ignore the column.',
  looks_like_date:
    'PATCH the data set with "types": {{column}: "date"} to learn from year, month, weekday and hour.',
  too_many_levels:
    'Nothing needs to be done for an id or free text; dates need "types": {{column}: "date"}.',
  many_levels:
    'PATCH the data set with "roles": {{column}: "ignored"}, or raise preprocessing.max_levels in the job.',
  constant_column:
    'PATCH the data set with "roles": {{column}: "ignored"}: there is nothing to learn from it.',
  id_like_column:
    'PATCH the data set with "roles": {{column}: "id"}, unless its order or size means something.',
  looks_like_number:
    'Send the table again with such numbers written as 1000.5: no separators, currency or percent.',
  rounded_numbers:
    'If these are ids or codes, send the table again with "types": {{column}: "category"}.',
  missing_values:
    'Choose preprocessing.missing with care, or PATCH the data set with "roles": {{column}: "ignored"}.',
  leakage_suspect:
    'Ask whether {column} is known before the target is; if not, PATCH the data set with "roles": {{column}: "ignored"}.',
  class_imbalance:
    'Set "class_weight": "balanced" in training, and do not judge by accuracy alone.',
  scale_spread:
    'Keep preprocessing.numeric at "standardize"; with "none" the large columns drown the small.',
  duplicate_rows: 'Remove the copies unless each is an observation of its own.',
  conflicting_labels: 'Mend the labels, or add the column that tells these rows apart.',
  validation_overlap:
    'Remove the copies before training: the validation figures are better than on new data.',
}

export function makeWarning(
  code: DatasetWarningCode,
  column: string | null,
  detail: string,
  evidence: DatasetWarning['evidence'] = null,
): DatasetWarning {
  const remedy = REMEDIES[code].replaceAll('{column}', () => JSON.stringify(column))
  return { code, column, evidence, detail, remedy }
}

/** At most fifty of a code; the last of more says how many were left out. */
export function limitWarnings(warnings: readonly DatasetWarning[]): DatasetWarning[] {
  const seen = Map.groupBy(warnings, ({ code }) => code)
  return [...seen.values()].flatMap((same) => {
    const [first] = same
    if (first === undefined || same.length <= PER_CODE_MAX) return same
    const detail = `The same holds for ${same.length - PER_CODE_MAX + 1} more columns`
    return [...same.slice(0, PER_CODE_MAX - 1), { ...first, column: null, detail }]
  })
}
