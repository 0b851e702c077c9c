import { expect, test } from 'vitest'
import { resolveSpec } from '../../api/defaults.ts'
import { edgeHosts } from '../../api/edge-hosts.ts'
import type { AuthServiceSpec } from '../../api/schema.ts'
import { noExposure } from '../../model/exposure.ts'
import type { SecretData } from '../../model/secret-data.ts'
import { decideCertificate } from '../../secrets/certificates.ts'
import { issueCertificate } from '../../secrets/system-sources.ts'
import { findSecretProblems } from '../../validate/secret-references.ts'
import { renderCertificate } from '../edge/certificate.ts'
import type { RenderInput } from '../render-input.ts'
import { renderPreview } from './preview.ts'

const metadata = { name: 'accounts', namespace: 'team-a' }
const inputOf = (ingress: AuthServiceSpec['ingress'], previewColor: 'green' | undefined) => {
  const spec: AuthServiceSpec = {
    environment: 'production',
    mongodb: {},
    redis: {},
    ingress: { host: 'auth.example.com', tls: { secretName: 'tls', issuerRef: { name: 'ca' } }, ...ingress },
    rollout: { blueGreen: { previewHost: 'preview.example.com' } },
  }
  const owner = { ...metadata, uid: 'uid' }
  // Nothing else of the input is read.
  return {
    owner,
    resolved: resolveSpec({ metadata, spec }),
    exposure: noExposure,
    edgeShowsSecret: true,
    placement: { previewColor },
  } as unknown as RenderInput
}

test('an Ingress routes the host name to the preview Service, with the same certificate, and exists only while there is a preview', () => {
  const annotations = { 'example.com/class': 'a', 'external-dns.alpha.kubernetes.io/hostname': 'auth.example.com' }
  const ingress = { type: 'Ingress', ingress: { className: 'nginx', annotations } } as const
  expect(renderPreview(inputOf(ingress, undefined))).toEqual([])
  expect(renderPreview(inputOf(ingress, 'green'))).toMatchObject([
    {
      kind: 'Ingress',
      metadata: { name: 'accounts-preview', annotations: { 'example.com/class': 'a' } },
      spec: {
        ingressClassName: 'nginx',
        rules: [
          { host: 'preview.example.com', http: { paths: [{ backend: { service: { name: 'accounts-preview' } } }] } },
        ],
        tls: [{ hosts: ['preview.example.com'], secretName: 'tls' }],
      },
    },
  ])
  const [preview] = renderPreview(inputOf(ingress, 'green'))
  expect(preview?.metadata.annotations).not.toHaveProperty('external-dns.alpha.kubernetes.io/hostname')
})

test('the same applies to an HTTPRoute', () => {
  const gateway: AuthServiceSpec['ingress'] = { type: 'Gateway', gateway: { parentRefs: [{ name: 'gateway' }] } }
  expect(renderPreview(inputOf(gateway, undefined))).toEqual([])
  expect(renderPreview(inputOf(gateway, 'green'))).toMatchObject([
    {
      kind: 'HTTPRoute',
      spec: {
        parentRefs: [{ name: 'gateway' }],
        hostnames: ['preview.example.com'],
        rules: [{ backendRefs: [{ name: 'accounts-preview', port: 80 }] }],
      },
    },
  ])
})

test('certificates include both host names', () => {
  const input = inputOf({ type: 'Nginx' }, undefined)
  expect(edgeHosts(input.resolved)).toEqual(['auth.example.com', 'preview.example.com'])
  expect(renderCertificate(input)).toMatchObject([{ spec: { dnsNames: ['auth.example.com', 'preview.example.com'] } }])
})

test('a certificate of the user for only one of the names is rejected, as is a self-signed one', () => {
  const now = new Date('2026-11-24T00:00:00Z')
  const spec: AuthServiceSpec = {
    environment: 'staging',
    mongodb: {},
    redis: {},
    ingress: { type: 'Nginx', host: 'auth.example.com', tls: { secretName: 'tls' } },
    rollout: { blueGreen: { previewHost: 'preview.example.com' } },
  }
  const resolved = resolveSpec({ metadata, spec })
  const ofOne = issueCertificate(['auth.example.com'], now)
  const ofBoth = issueCertificate(edgeHosts(resolved), now)
  expect(findSecretProblems(resolved, new Map([['tls', ofOne]]), now)).toMatchObject([
    { reason: 'CertificateInvalid', message: expect.stringContaining('not for preview.example.com') },
  ])
  expect(findSecretProblems(resolved, new Map([['tls', ofBoth]]), now)).toEqual([])
  const decide = (existing: SecretData) => decideCertificate(existing, edgeHosts(resolved), now, issueCertificate)
  expect(decide(ofOne).why).toMatch(/not for preview/)
  expect(decide(ofBoth).why).toBeUndefined()
})
