import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import {
  bitString,
  boolean,
  objectIdentifier,
  octetString,
  sequence,
  set,
  tagged,
  time,
  unsignedInteger,
  utf8String,
} from './der.ts'
import type { SecretData } from './secret-data.ts'

/** When a certificate is valid. */
export interface Validity {
  notBefore: Date
  notAfter: Date
}

/** Names of a certificate hold 64 characters at most; the hosts are in the alternative names, where clients look. */
const names = { authority: 'AuthService self-signed authority', edge: 'AuthService edge' } as const

const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'))

/** Bits of KeyUsage, the first one the highest. @see RFC 5280, 4.2.1.3 */
const keyUsages = {
  digitalSignature: bitString(Buffer.from([0b1000_0000]), 7),
  keyCertSignAndCrlSign: bitString(Buffer.from([0b0000_0110]), 1),
} as const

/**
 * Makes a P-256 key and a certificate of it for the hosts. The authority signs this one certificate and its key is
 * thrown away: whoever trusts `ca.crt` trusts nothing else by it.
 *
 * Written by hand because libraries do it by way of Web Crypto and ASN.1 schemas, at twenty times the cost: with 1,000
 * AuthServices that was a fifth of all that the operator computes.
 * @see RFC 5280 for every field
 */
export function issueFor(hosts: readonly string[], validity: Validity): SecretData {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const edge = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const authorityId = keyIdentifier(authority.publicKey)
  const issuer = names.authority
  const signer = authority.privateKey
  const ca = certificate({ issuer, subject: issuer, key: authority.publicKey, signer, validity }, [
    extension('2.5.29.19', sequence(boolean(true), unsignedInteger(Buffer.from([0]))), 'critical'),
    extension('2.5.29.15', keyUsages.keyCertSignAndCrlSign, 'critical'),
    extension('2.5.29.14', octetString(authorityId)),
  ])
  const leaf = certificate({ issuer, subject: names.edge, key: edge.publicKey, signer, validity }, [
    extension('2.5.29.17', sequence(...hosts.map(dnsName))),
    extension('2.5.29.19', sequence(), 'critical'),
    extension('2.5.29.15', keyUsages.digitalSignature, 'critical'),
    extension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))), // serverAuth
    extension('2.5.29.35', sequence(tagged(0x80, authorityId))),
    extension('2.5.29.14', octetString(keyIdentifier(edge.publicKey))),
  ])
  return {
    'tls.crt': pem('CERTIFICATE', leaf),
    'tls.key': edge.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'ca.crt': pem('CERTIFICATE', ca),
  }
}

interface Subject {
  issuer: string
  subject: string
  key: KeyObject
  signer: KeyObject
  validity: Validity
}

function certificate({ issuer, subject, key, signer, validity }: Subject, extensions: readonly Buffer[]): Buffer {
  const content = sequence(
    tagged(0xa0, unsignedInteger(Buffer.from([2]))), // version 3
    unsignedInteger(randomBytes(16)),
    ecdsaWithSha256,
    commonName(issuer),
    sequence(time(validity.notBefore), time(validity.notAfter)),
    commonName(subject),
    key.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  )
  return sequence(content, ecdsaWithSha256, bitString(sign('sha256', content, signer)))
}

function commonName(name: string): Buffer {
  return sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String(name))))
}

function dnsName(host: string): Buffer {
  return tagged(0x82, Buffer.from(host, 'ascii'))
}

function extension(id: string, value: Buffer, importance?: 'critical'): Buffer {
  return sequence(objectIdentifier(id), ...(importance === undefined ? [] : [boolean(true)]), octetString(value))
}

/** The hash of the public point, which ends the key's DER. @see RFC 5280, 4.2.1.2, method 1 */
function keyIdentifier(key: KeyObject): Buffer {
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-65)
  return createHash('sha1').update(point).digest()
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
