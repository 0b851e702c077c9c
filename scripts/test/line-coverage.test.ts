import { expect, test } from 'vitest'
import { judgeCoverage } from './line-coverage.ts'

const bound = { folder: '/project/api-server', minPercent: 95 }
const lines = (total: number, covered: number) => ({ lines: { total, covered } })

test('lists the files below the minimum, the least covered first, and then the total', () => {
  const summary = {
    total: lines(1, 1),
    '/project/api-server/app.ts': lines(80, 80),
    '/project/api-server/routes/me.ts': lines(10, 9),
    '/project/api-server/admin.ts': lines(10, 7),
  }
  expect(judgeCoverage(summary, bound)).toEqual({
    report: '  70.0 %  admin.ts\n  90.0 %  routes/me.ts\n96.0 % of 100 lines, at least the required 95 %',
    isEnough: true,
  })
})

test('a value slightly below the minimum is below it, and is shown as such', () => {
  const { report, isEnough } = judgeCoverage({ '/project/api-server/app.ts': lines(100_000, 94_999) }, bound)
  expect(report).toContain('94.9 % of 100000 lines, less than the required 95 %')
  expect(isEnough).toBe(false)
})

test('a run that has measured nothing does not meet the minimum', () => {
  expect(judgeCoverage({ total: lines(0, 0) }, bound).isEnough).toBe(false)
})
