import { expect, test } from 'vitest'
import { workloadHealth } from '../model/health.ts'
import type { LabelledPod, ServerReport } from '../model/observed-objects.ts'
import { withProblems } from './unready-pods.ts'

const pod = (name: string, ready: 'True' | 'False'): LabelledPod => ({
  metadata: { name, labels: { 'app.kubernetes.io/component': 'server' } },
  status: { phase: 'Running', podIP: '10.0.0.7', conditions: [{ type: 'Ready', status: ready }] },
})
const report = (...problems: string[]): ServerReport => ({ problems, mongodb: { up: true }, redis: { up: true } })

test('the condition shows the problem that a running, unready server reports', () => {
  const reports = new Map([
    ['a-blue-x', report('its probe has not noticed yet')],
    ['a-blue-y', report('MongoDB did not answer', 'the index email_1 is missing')],
  ])
  const pods = withProblems([pod('a-blue-x', 'True'), pod('a-blue-y', 'False')], reports)
  const workload = { metadata: { name: 'a-blue' }, spec: { replicas: 2 }, status: { availableReplicas: 1 } }
  expect(workloadHealth(workload, 'a-blue', pods).message).toBe(
    'waiting for 1 of 2 pods of a-blue: pod a-blue-y is not ready: MongoDB did not answer; the index email_1 is missing',
  )
})

test('pods that report nothing are unchanged', () => {
  const pods = [pod('silent', 'False'), pod('calm', 'False')]
  expect(withProblems(pods, new Map([['calm', report()]]))).toEqual(pods)
})
