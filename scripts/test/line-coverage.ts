import { relative } from 'node:path'

interface Lines {
  total: number
  covered: number
}

/** The used part of the report of the `json-summary` reporter: the lines of each file, by its absolute path. */
export type CoverageSummary = Record<string, { lines: Lines }>

export interface CoverageVerdict {
  /** The files below the minimum, the least covered first, then the total. */
  report: string
  isEnough: boolean
}

/** Compares the lines of all files together with the minimum; single files below it are only listed. */
export function judgeCoverage(
  summary: CoverageSummary,
  { folder, minPercent }: { folder: string; minPercent: number },
): CoverageVerdict {
  const files = Object.entries(summary).filter(([path]) => path !== 'total')
  const total = files.reduce<Lines>(
    (sum, [, { lines }]) => ({ total: sum.total + lines.total, covered: sum.covered + lines.covered }),
    { total: 0, covered: 0 },
  )
  const below = files
    .map(([path, { lines }]) => ({ path: relative(folder, path), percent: percentOf(lines), lines }))
    .filter(({ percent }) => percent < minPercent)
    .sort((one, other) => one.percent - other.percent)
  const isEnough = total.total > 0 && percentOf(total) >= minPercent
  return {
    report: [
      ...below.map(({ path, lines }) => `  ${shown(lines).padStart(6)}  ${path}`),
      `${shown(total)} of ${total.total} lines, ${isEnough ? 'at least' : 'less than'} the required ${minPercent} %`,
    ].join('\n'),
    isEnough,
  }
}

function percentOf({ total, covered }: Lines): number {
  return total === 0 ? 100 : (100 * covered) / total
}

/** Rounded down, so that a value below the minimum is never shown as meeting it. */
function shown(lines: Lines): string {
  return `${(Math.floor(percentOf(lines) * 10) / 10).toFixed(1)} %`
}
