import { fileRevision } from '@authservice-operator/contract/file-revision.ts'
import { afterEach, expect, test } from 'vitest'
import { createEdgePoller, type EdgeReport, refusalIn } from './edge-reports.ts'
import type { PodPoller } from './pod-poller.ts'

const wanted = fileRevision('wanted')
const pods = [
  { name: 'edge-1', address: '10.0.0.1' },
  { name: 'edge-2', address: 'fd00::2' },
]
const running: PodPoller<EdgeReport>[] = []
afterEach(() => {
  for (const poller of running.splice(0)) poller.stop()
})

/** Pods that answer with the page that a test sets for their address. */
function edge(answers: Record<string, object | string | undefined>) {
  const asked: string[] = []
  const news: string[] = []
  const poller = createEdgePoller({
    read: async (url) => {
      asked.push(url)
      const answer = answers[new URL(url).hostname]
      return typeof answer === 'object' ? JSON.stringify(answer) : answer
    },
    onNews: (key) => news.push(key),
    port: 8081,
    pauseMilliseconds: { first: 1, longest: 4 },
  })
  running.push(poller)
  const refusalOf = (content = wanted) => refusalIn(poller.reportsOf('team/a', pods, content))
  return { refusalOf, asked, news }
}
const taken = { content: wanted, refused: '', problem: '' }
const before = { content: fileRevision('before'), refused: '', problem: '' }

test('pods are polled until all have loaded the configuration, and then no more', async () => {
  const answers = { '10.0.0.1': taken, '[fd00::2]': before as object }
  const { refusalOf, asked, news } = edge(answers)
  expect(refusalOf()).toBeUndefined()
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
  expect(refusalOf()).toBeUndefined()
  expect(news).toEqual([])
})

test('a rejection is reported once, in the words of Nginx, and ends when the pod accepts the configuration', async () => {
  const answers: Record<string, object> = {
    '10.0.0.1': { ...before, refused: wanted, problem: 'unknown directive' },
    '[fd00::2]': taken,
  }
  const { refusalOf, news } = edge(answers)
  refusalOf()
  await expect.poll(() => news).toEqual(['team/a'])
  expect(refusalOf()).toBe('pod edge-1 refuses its configuration: unknown directive')
  answers['10.0.0.1'] = taken
  await expect.poll(() => news).toEqual(['team/a', 'team/a'])
  expect(refusalOf()).toBeUndefined()
})

test('an earlier rejection does not count once the desired configuration has changed', async () => {
  const { refusalOf, news } = edge({ '10.0.0.1': { ...before, refused: wanted, problem: 'bad' }, '[fd00::2]': taken })
  refusalOf()
  await expect.poll(() => news).toHaveLength(1)
  expect(refusalOf(fileRevision('better'))).toBeUndefined()
})

test('pods that cannot be reached, or that answer something else, are not polled forever', async () => {
  const { refusalOf, asked, news } = edge({ '[fd00::2]': 'not JSON' })
  refusalOf()
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
