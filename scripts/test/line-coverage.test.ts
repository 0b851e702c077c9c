import { expect, test } from 'vitest'
import { judgeCoverage } from './line-coverage.ts'

const bound = { folder: '/project/api-server', leastPercent: 95 }
const lines = (total: number, covered: number) => ({ lines: { total, covered } })

test('names the files below the bound, the least covered first, and then the whole', () => {
  const summary = {
    total: lines(1, 1),
    '/project/api-server/app.ts': lines(80, 80),
    '/project/api-server/routes/me.ts': lines(10, 9),
    '/project/api-server/admin.ts': lines(10, 7),
  }
  expect(judgeCoverage(summary, bound)).toEqual({
    report: '  70.0 %  admin.ts\n  90.0 %  routes/me.ts\n96.0 % of 100 lines, at least the 95 % that are asked for',
    isEnough: true,
  })
})

test('a hair below the bound is below it, and looks like it', () => {
  const { report, isEnough } = judgeCoverage({ '/project/api-server/app.ts': lines(100_000, 94_999) }, bound)
  expect(report).toContain('94.9 % of 100000 lines, less than the 95 %')
  expect(isEnough).toBe(false)
})

test('a run that has measured nothing is not enough', () => {
  expect(judgeCoverage({ total: lines(0, 0) }, bound).isEnough).toBe(false)
})
