import { execa } from 'execa'
import { beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { checker } from '../../../tools/checkers/go-checkers.ts'
import { explainedFindings } from './explained-findings.ts'
import { samples } from './rendered-samples.ts'

interface ScoredObject {
  object_name: string
  checks: {
    check: { id: string }
    grade: number
    skipped: boolean
    comments: { path: string; summary: string }[] | null
  }[]
}

let kubeScore = ''
beforeAll(async () => {
  kubeScore = await checker('kube-score')
}, 600_000)

/** The findings about the children of a sample, as `kind: sentence`. */
async function findingsOf(children: readonly object[]): Promise<string[]> {
  const input = children.map((child) => stringify(child)).join('---\n')
  // kube-score ends with 1 when it has findings.
  const { stdout, exitCode } = await execa(kubeScore, ['score', '--output-format', 'json', '-'], {
    input,
    reject: false,
  })
  if (exitCode !== 0 && exitCode !== 1) throw new Error(`kube-score ended with ${exitCode}: ${stdout}`)
  const objects: ScoredObject[] = JSON.parse(stdout)
  const all = objects.flatMap(({ object_name, checks }) =>
    checks
      .filter(({ grade, skipped }) => grade < 10 && !skipped)
      .flatMap(({ check, comments }) => {
        const kind = object_name.split('/')[0]
        return (comments ?? [{ path: '', summary: check.id }]).map(({ summary }) => `${kind}: ${summary}`)
      }),
  )
  return [...new Set(all)].sort()
}

test('the documentation explains every finding of kube-score about the children of the samples', async () => {
  const found = await Promise.all(samples.map(async ({ children }) => findingsOf(await children())))
  const sentences = [...new Set(found.flat().map((finding) => finding.replace(/^[^:]*: /, '')))].sort()
  expect(sentences).toEqual((await explainedFindings()).kubeScore)
})

test('production has none of the intentional findings of development', async () => {
  const production = samples.find(({ file }) => file === 'production.yaml')
  const found = await findingsOf((await production?.children()) ?? [])
  const ofDevelopment = /NetworkPolicy$|PodDisruptionBudget|few replicas|NodePort/
  expect(found.filter((finding) => ofDevelopment.test(finding))).toEqual([])
})
