import { describe, expect, test } from 'vitest'
import { desiredHashAnnotation, type Manifest, needsApply, planApply, withDesiredHash } from './plan.ts'

const configMap = (data: Record<string, string>, name = 'a') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'team' },
  data,
})
/** What the API server would hold after the manifest was applied. */
const applied = <T extends Manifest>(manifest: T): T => structuredClone(withDesiredHash(manifest))

describe('needsApply', () => {
  test('an unchanged child is left alone', () => {
    expect(needsApply(withDesiredHash(configMap({ a: '1' })), applied(configMap({ a: '1' })))).toBeUndefined()
  })

  test('a missing child is written', () => {
    expect(needsApply(withDesiredHash(configMap({})), undefined)).toEqual({
      reason: 'missing',
      paths: [],
      hasOthers: false,
    })
  })

  test('a field that is no longer wanted is a change, though the live child contains all that is wanted', () => {
    const live = applied(configMap({ a: '1', b: '2' }))
    expect(needsApply(withDesiredHash(configMap({ a: '1' })), live)).toEqual({
      reason: 'changed',
      paths: [],
      hasOthers: false,
    })
  })

  test('an edit by somebody else is drift, and says where', () => {
    const live = { ...applied(configMap({ a: '1' })), data: { a: '2' } }
    expect(needsApply(withDesiredHash(configMap({ a: '1' })), live)).toEqual({
      reason: 'drifted',
      paths: ['data.a'],
      hasOthers: false,
    })
  })

  test('a removed hash is put back', () => {
    const live = configMap({ a: '1' })
    expect(needsApply(withDesiredHash(configMap({ a: '1' })), live)?.reason).toBe('drifted')
  })

  test('what somebody else added is left alone', () => {
    const live = { ...applied(configMap({ a: '1' })), data: { a: '1', theirs: 'x' } }
    expect(needsApply(withDesiredHash(configMap({ a: '1' })), live)).toBeUndefined()
  })
})

describe('the hash of a Secret', () => {
  const secret = (password: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'a' },
    data: { password },
  })
  const hashOf = (manifest: Manifest) => withDesiredHash(manifest).metadata.annotations?.[desiredHashAnnotation]

  test('tells nothing about its values', () => {
    expect(hashOf(secret('b25l'))).toBe(hashOf(secret('dHdv')))
  })

  test('does not hide that a value was changed', () => {
    expect(needsApply(withDesiredHash(secret('b25l')), applied(secret('dHdv')))?.paths).toEqual(['data.password'])
  })
})

describe('planApply', () => {
  test('prunes what is no longer wanted, volumes never', () => {
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' } }
    const old = applied(configMap({}, 'old'))
    const plan = planApply([configMap({}, 'kept')], [applied(configMap({}, 'kept')), old, claim])
    expect(plan).toEqual({ apply: [], prune: [old], terminating: [] })
  })

  test('a Secret is written only over the version that was looked at', () => {
    const secret = (value: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys' },
      data: { key: value },
    })
    const live = applied(secret('b2xk'))
    const seen = { ...live, metadata: { ...live.metadata, resourceVersion: '7' } }
    expect(planApply([secret('bmV3')], [seen]).apply[0]?.manifest.metadata).toMatchObject({ resourceVersion: '7' })
  })

  test('does not write to a child that is being deleted', () => {
    const live = applied(configMap({}))
    const leaving = { ...live, metadata: { ...live.metadata, deletionTimestamp: '2026-11-24T00:00:00Z' } }
    const plan = planApply([configMap({ a: '1' })], [leaving])
    expect(plan).toMatchObject({ apply: [], prune: [], terminating: [leaving] })
  })

  test('knows a child again in another version of its API', () => {
    const autoscaler = (version: string) => ({
      apiVersion: `autoscaling/${version}`,
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'a' },
    })
    expect(planApply([autoscaler('v2')], [applied(autoscaler('v1'))]).prune).toEqual([])
  })
})
