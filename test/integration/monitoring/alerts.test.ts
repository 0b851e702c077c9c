import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { resolveSpec } from '../../../operator/authservice/api/defaults.ts'
import { alertingRule } from '../../../operator/authservice/resources/monitoring/alert.ts'
import { operatorAlerts } from '../../../operator/authservice/resources/monitoring/operation-alerts.ts'
import { marksOf } from '../../../operator/authservice/resources/monitoring/operation-panels.ts'
import { operatorPanels } from '../../../operator/authservice/resources/monitoring/operator-panels.ts'
import { panelsOf } from '../../../operator/authservice/resources/monitoring/panels.ts'
import { ruleGroups } from '../../../operator/authservice/resources/monitoring/prometheus-rule.ts'
import { runPromtool } from '../../../tools/checkers/promtool.ts'
import { lookedAtSeconds, type Series, scenarios } from './alert-scenarios.ts'

const owner = { name: 'accounts', namespace: 'team-a', uid: 'uid' }
const resolved = resolveSpec({ metadata: owner, spec: { environment: 'production', mongodb: {}, redis: {} } })
const groups = [
  ...ruleGroups({ owner, resolved }),
  { name: 'operator', rules: operatorAlerts.map((alert) => alertingRule(alert, {})) },
]
const rules = groups.flatMap((group) => group.rules)
const keyOf = ({ alert, labels }: (typeof rules)[number]) => `${alert} ${labels.severity}`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-rules-'))
  await writeFile(join(folder, 'rules.yaml'), stringify({ groups }))
}, 300_000)
afterAll(() => rm(folder, { recursive: true }))

test('Prometheus accepts the rules', async () => {
  const { ok, output } = await runPromtool(['check', 'rules', join(folder, 'rules.yaml')])
  expect(ok, output).toBe(true)
  expect(output).toContain(`${rules.length} rules found`)
}, 300_000)

test('Prometheus parses every query of the dashboards', async () => {
  const expressions = [
    ...[...panelsOf(owner), ...operatorPanels].flatMap(({ queries }) => queries.map(({ expression }) => expression)),
    ...marksOf(owner).map(({ expression }) => expression),
  ]
  // Grafana replaces the interval.
  const asRules = expressions.map((expression, index) => ({
    record: `panel:${index}`,
    expr: expression.replaceAll('$__rate_interval', '5m'),
  }))
  await writeFile(join(folder, 'panels.yaml'), stringify({ groups: [{ name: 'panels', rules: asRules }] }))
  const { ok, output } = await runPromtool(['check', 'rules', join(folder, 'panels.yaml')])
  expect(ok, output).toBe(true)
})

/** Series, and whether the alert fires on them. */
interface Case {
  key: string
  series: Series
  isFiring: boolean
}

const cases: Case[] = Object.entries(scenarios).flatMap(([key, { fires, quiet, firesOnNothing = false }]) => [
  { key, series: fires, isFiring: true },
  { key, series: quiet, isFiring: false },
  { key, series: {}, isFiring: firesOnNothing },
])

/** Runs Prometheus' rule engine. @returns its error; undefined when every alert fires exactly as expected */
async function findFault(some: readonly Case[]): Promise<string | undefined> {
  const file = join(folder, 'cases.yaml')
  const tests = some.map(({ key, series, isFiring }) => {
    const [alert, severity] = key.split(' ')
    return {
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        {
          expr: `count(ALERTS{alertname="${alert}",severity="${severity}",alertstate="firing"})`,
          eval_time: `${lookedAtSeconds}s`,
          exp_samples: isFiring ? [{ labels: '{}', value: 1 }] : [],
        },
      ],
    }
  })
  await writeFile(file, stringify({ rule_files: ['rules.yaml'], evaluation_interval: '5m', tests }))
  const { ok, output } = await runPromtool(['test', 'rules', file])
  return ok ? undefined : output
}

describe('each alert', () => {
  test('has a scenario', () => {
    expect(Object.keys(scenarios).sort()).toEqual(rules.map(keyOf).sort())
  })

  /**
   * Evaluates all cases at once, because the start of the engine takes longer than a case; one by one only after an
   * error.
   */
  let fault: string | undefined
  beforeAll(async () => {
    fault = await findFault(cases)
    // The engine computes for a minute on a busy machine.
  }, 300_000)

  test.each(Object.keys(scenarios))('%s fires on its scenario, and not on similar ones', async (key) => {
    if (fault === undefined) return
    for (const one of cases.filter((candidate) => candidate.key === key)) {
      expect(await findFault([one]), one.isFiring ? 'should fire' : 'should not fire').toBeUndefined()
    }
  })

  test.each([...new Set(rules.map(({ alert }) => alert))])(
    '%s has a runbook with meaning, impact, diagnosis and mitigation',
    async (alert) => {
      const [rule] = rules.filter((candidate) => candidate.alert === alert)
      expect(rule?.annotations.runbook_url).toMatch(new RegExp(`/docs/runbooks/${alert}\\.md$`))
      const page = await readFile(resolve(import.meta.dirname, `../../../docs/runbooks/${alert}.md`), 'utf8')
      const headings = page.split('\n').filter((line) => line.startsWith('#'))
      expect(headings).toEqual([`# ${alert}`, '## Meaning', '## Impact', '## Diagnosis', '## Mitigation'])
      expect(page, 'commands').toMatch(/```sh\n(.+\n)+```/)
    },
  )
})
