import { expect, test } from 'vitest'
import { jobResources } from './job-resources.ts'

const needed = { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '192Mi' } }
const of = (resources: Parameters<typeof jobResources>[0]['jobs']['resources']) =>
  jobResources({ jobs: { resources, labels: {}, annotations: {} } }, needed)

test('a CPU limit, which a quota may require, leaves the request small', () => {
  expect(of(undefined)).toEqual(needed)
  expect(of({ limits: { cpu: '1' } })).toEqual({ ...needed, limits: { cpu: '1', memory: '192Mi' } })
})

test('a limit or request in the spec adjusts its counterpart, so that the API server admits the pod', () => {
  expect(of({ limits: { memory: '32Mi' } })).toEqual({
    requests: { cpu: '10m', memory: '32Mi' },
    limits: { memory: '32Mi' },
  })
  expect(of({ requests: { memory: '1Gi' } })).toEqual({
    requests: { cpu: '10m', memory: '1Gi' },
    limits: { memory: '1Gi' },
  })
})
