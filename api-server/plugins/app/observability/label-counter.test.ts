import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { LabelCounter } from './label-counter.ts'

test('a scrape shows each value of the label with its count, and the next one what came since', async () => {
  const registry = new Registry()
  const counter = new LabelCounter({ name: 'checks_total', help: 'Checks', label: 'result', registry })
  for (const result of ['active', 'active', 'token_expired']) counter.inc(result)
  expect(await registry.metrics()).toBe(
    '# HELP checks_total Checks\n# TYPE checks_total counter\n' +
      'checks_total{result="active"} 2\nchecks_total{result="token_expired"} 1\n',
  )
  counter.inc('active')
  expect(await registry.metrics()).toContain('checks_total{result="active"} 3\n')
})
