import { describe, expect, test } from 'vitest'
import type { Manifest } from '../model/manifest.ts'
import { desiredHashAnnotation, withDesiredHash } from './desired-hash.ts'
import { needsApply, planApply } from './plan.ts'

const configMap = (data: Record<string, string>, name = 'a') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'team' },
  data,
})
/** The object in the API server after the manifest was applied. */
const applied = <T extends Manifest>(manifest: T): T => structuredClone(withDesiredHash(manifest))

describe('needsApply', () => {
  test('an unchanged child is not written', () => {
    expect(needsApply(withDesiredHash(configMap({ a: '1' })), applied(configMap({ a: '1' })))).toBeUndefined()
  })

  test('a missing child is written', () => {
    expect(needsApply(withDesiredHash(configMap({})), undefined)).toEqual({
      reason: 'missing',
      paths: [],
      hasOthers: false,
    })
  })

  test('a field that is no longer desired is a change, even if the live child contains everything that is desired', () => {
    const live = applied(configMap({ a: '1', b: '2' }))
    expect(needsApply(withDesiredHash(configMap({ a: '1' })), live)).toEqual({
      reason: 'changed',
      paths: [],
      hasOthers: false,
    })
  })

  test('an edit by another writer is drift, and its path is reported', () => {
    const live = { ...applied(configMap({ a: '1' })), data: { a: '2' } }
    expect(needsApply(withDesiredHash(configMap({ a: '1' })), live)).toEqual({
      reason: 'drifted',
      paths: ['data.a'],
      hasOthers: false,
    })
  })

  test('a removed hash is restored', () => {
    const live = configMap({ a: '1' })
    expect(needsApply(withDesiredHash(configMap({ a: '1' })), live)?.reason).toBe('drifted')
  })

  test('fields that another writer added are not changed', () => {
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

  test('reveals nothing about its values', () => {
    expect(hashOf(secret('b25l'))).toBe(hashOf(secret('dHdv')))
  })

  test('does not hide a changed value', () => {
    expect(needsApply(withDesiredHash(secret('b25l')), applied(secret('dHdv')))?.paths).toEqual(['data.password'])
  })
})

describe('planApply', () => {
  test('prunes children that are no longer desired, but never volumes', () => {
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' } }
    const old = applied(configMap({}, 'old'))
    const plan = planApply([configMap({}, 'kept')], [applied(configMap({}, 'kept')), old, claim])
    expect(plan).toEqual({ apply: [], prune: [old], terminating: [], kept: [] })
  })

  test('a Secret is written only over the version that was read', () => {
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

  test('recognizes a child in another version of its API', () => {
    const autoscaler = (version: string) => ({
      apiVersion: `autoscaling/${version}`,
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'a' },
    })
    expect(planApply([autoscaler('v2')], [applied(autoscaler('v1'))]).prune).toEqual([])
  })
})
