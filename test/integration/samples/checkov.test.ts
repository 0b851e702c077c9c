import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { runCheckov } from '../../../tools/checkers/checkov.ts'
import { explainedFindings } from './explained-findings.ts'
import { samples } from './rendered-samples.ts'

let folder = ''
let report: Awaited<ReturnType<typeof runCheckov>>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-checkov-'))
  for (const { file, children } of samples) {
    const manifests = (await children()).map((child) => stringify(child))
    await writeFile(join(folder, file), manifests.join('---\n'))
  }
  report = await runCheckov(folder)
}, 600_000)
afterAll(() => rm(folder, { recursive: true }))

test('the documentation explains every finding of checkov about the children of the samples', async () => {
  expect(report.summary).toMatchObject({ parsing_errors: 0 })
  expect(report.summary.resource_count).toBeGreaterThan(15 * samples.length)
  const found = new Set(report.results.failed_checks.map(({ check_id }) => check_id))
  expect([...found].sort()).toEqual((await explainedFindings()).checkov)
})

test('production has none of the intentional findings of development', () => {
  const ofProduction = report.results.failed_checks.filter(({ file_path }) => file_path.endsWith('/production.yaml'))
  expect(ofProduction.length).toBeGreaterThan(0)
  expect(ofProduction.filter(({ check_id }) => check_id === 'CKV2_K8S_6')).toEqual([])
})
