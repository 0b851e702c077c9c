import { expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthService } from '../api/schema.ts'
import { noExposure } from '../model/exposure.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { validate } from './validate.ts'

const managed: AuthService['spec'] = {
  environment: 'development',
  mongodb: { managed: {} },
  redis: { managed: {} },
}

function findingsOf(spec: AuthService['spec']) {
  const authService = { metadata: { name: 'accounts', namespace: 'a', uid: '1' }, spec } as AuthService
  const snapshot = {
    authService,
    resolved: resolveSpec(authService),
    children: [],
    pods: [],
    terminatingClaims: [],
    referencedSecrets: new Map(),
    serverReports: new Map(),
    exposure: noExposure,
    keptVolume: undefined,
    // Nothing else of a snapshot is read.
  } as unknown as Snapshot
  const rules = {
    images: { server: 'server:1' },
    allowedImagePrefixes: [],
    allowedIngressAnnotations: [],
    hasPrometheus: false,
  }
  return validate(snapshot, rules, new Date('2026-11-29T12:00:00Z'))
}

test('a forbidden annotation leaves the Ingress unchanged, so that an upgrade removes nothing from it', () => {
  const annotations = { 'alb.ingress.kubernetes.io/scheme': 'internet-facing' }
  const ingress = { type: 'Ingress', host: 'auth.example.com', ingress: { className: 'alb', annotations } } as const
  expect(findingsOf({ ...managed, ingress })).toContainEqual(
    expect.objectContaining({ kind: 'blocking', reason: 'AnnotationNotAllowed', blocks: 'exposure' }),
  )
})

test('a colour that is hard to read is named, and stops nothing', () => {
  const of = (light: string) =>
    findingsOf({ ...managed, oidc: { enabled: true }, pages: { colors: { light } } }).filter(
      ({ reason }) => reason === 'ColorUnreadable',
    )
  expect(of('#0f766e')).toEqual([])
  expect(of('#ffff00')).toEqual([
    expect.objectContaining({
      kind: 'warning',
      message: expect.stringMatching(/spec.pages.colors.light: #ffff00 is hard to read.* choose a darker colour\.$/),
    }),
  ])
})
