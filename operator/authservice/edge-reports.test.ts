import { afterEach, expect, test } from 'vitest'
import { contentOf, EdgeReports } from './edge-reports.ts'

const wanted = contentOf('wanted')
const pods = [
  { name: 'edge-1', address: '10.0.0.1' },
  { name: 'edge-2', address: 'fd00::2' },
]
const running: EdgeReports[] = []
afterEach(() => {
  for (const reports of running.splice(0)) reports.stop()
})

/** Pods that answer what a test puts under their address. */
function edge(answers: Record<string, object | string | undefined>) {
  const asked: string[] = []
  const news: string[] = []
  const reports = new EdgeReports({
    read: async (url) => {
      asked.push(url)
      const answer = answers[new URL(url).hostname]
      return typeof answer === 'object' ? JSON.stringify(answer) : answer
    },
    onNews: (key) => news.push(key),
    healthPort: 8081,
    pauseMilliseconds: { first: 1, longest: 4 },
  })
  running.push(reports)
  return { reports, asked, news }
}
const taken = { content: wanted, refused: '', problem: '' }
const before = { content: contentOf('before'), refused: '', problem: '' }

test('pods are asked until all have what they are to have, and then no more', async () => {
  const answers = { '10.0.0.1': taken, '[fd00::2]': before as object }
  const { reports, asked, news } = edge(answers)
  expect(reports.refusalOf('team/a', wanted, pods)).toBeUndefined()
  await expect.poll(() => asked.length).toBeGreaterThan(4)
  expect(asked).toContain('http://[fd00::2]:8081/configuration')
  answers['[fd00::2]'] = taken
  await expect
    .poll(async () => {
      const seen = asked.length
      await new Promise((later) => setTimeout(later, 30))
      return asked.length - seen
    })
    .toBe(0)
  expect(reports.refusalOf('team/a', wanted, pods)).toBeUndefined()
  expect(news).toEqual([])
})

test('a refusal is told once, in the words of Nginx, and is over when the pod takes it after all', async () => {
  const answers: Record<string, object> = {
    '10.0.0.1': { ...before, refused: wanted, problem: 'unknown directive' },
    '[fd00::2]': taken,
  }
  const { reports, news } = edge(answers)
  reports.refusalOf('team/a', wanted, pods)
  await expect.poll(() => news).toEqual(['team/a'])
  expect(reports.refusalOf('team/a', wanted, pods)).toBe('pod edge-1 refuses its configuration: unknown directive')
  answers['10.0.0.1'] = taken
  await expect.poll(() => news).toEqual(['team/a', 'team/a'])
  expect(reports.refusalOf('team/a', wanted, pods)).toBeUndefined()
})

test('what a pod refused before does not count once something else is wanted', async () => {
  const { reports, news } = edge({ '10.0.0.1': { ...before, refused: wanted, problem: 'bad' }, '[fd00::2]': taken })
  reports.refusalOf('team/a', wanted, pods)
  await expect.poll(() => news).toHaveLength(1)
  expect(reports.refusalOf('team/a', contentOf('better'), pods)).toBeUndefined()
})

test('pods that nobody can reach, or that talk nonsense, are given up', async () => {
  const { reports, asked, news } = edge({ '[fd00::2]': 'not JSON' })
  reports.refusalOf('team/a', wanted, pods)
  await expect
    .poll(async () => {
      const seen = asked.length
      await new Promise((later) => setTimeout(later, 50))
      return seen > 0 && asked.length === seen
    })
    .toBe(true)
  expect(asked.length).toBeLessThanOrEqual(24)
  expect(news).toEqual([])
})
