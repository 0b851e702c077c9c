import { describe, expect, test } from 'vitest'
import { issueCertificate } from '../authservice/secrets/system-sources.ts'
import { parseCertificate } from './imported-certificate.ts'

const now = new Date('2026-11-30T12:00:00Z')
const host = 'auth.example.com'
const issued = issueCertificate([host], now)
const { 'tls.crt': leaf = '', 'tls.key': key = '', 'ca.crt': authority = '' } = issued

test.each([
  ['before', key + leaf + authority],
  ['after', leaf + authority + key],
])('a chain is taken with its key %s it', (_, pem) => {
  expect(parseCertificate(pem, host, now)).toEqual({ 'tls.crt': leaf + authority, 'tls.key': key })
})

describe('is refused, with the reason:', () => {
  const other = issueCertificate([host], now)['tls.key'] ?? ''
  test.each([
    ['nothing', '', /found 0 certificates and 0 keys/],
    ['no key', leaf, /found 1 certificates and 0 keys/],
    ['two keys', leaf + key + other, /found 1 certificates and 2 keys/],
    ['another key', leaf + other, /the private key belongs to another certificate/],
    ['the authority first', authority + leaf + key, /belongs to another certificate/],
    ['broken PEM', leaf.replace(/\n.{8}/, '\n') + key, /cannot be parsed/],
  ])('%s', (_, pem, reason) => {
    expect(() => parseCertificate(pem, host, now)).toThrow(reason)
  })

  test('another host', () => {
    expect(() => parseCertificate(leaf + key, 'other.example.com', now)).toThrow(
      /not for other\.example\.com.*Nothing was changed/,
    )
  })

  test('an expired one', () => {
    expect(() => parseCertificate(leaf + key, host, new Date('2028-01-01'))).toThrow(/it expired on 2027-11-30/)
  })
})
