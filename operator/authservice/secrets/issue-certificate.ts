import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { isIPv4 } from 'node:net'
import type { SecretData } from '../model/secret-data.ts'
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

/** Validity period of a certificate. */
export interface Validity {
  notBefore: Date
  notAfter: Date
}

/** Names in a certificate have at most 64 characters; the hosts are in the alternative names, which clients check. */
const names = { authority: 'AuthService self-signed authority', edge: 'AuthService edge' } as const

const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'))

/** Bits of KeyUsage, the highest one first. @see RFC 5280, 4.2.1.3 */
const keyUsages = {
  digitalSignature: bitString(Buffer.from([0b1000_0000]), 7),
  keyCertSignAndCrlSign: bitString(Buffer.from([0b0000_0110]), 1),
} as const

/**
 * Issues a certificate authority: its certificate in `tls.crt`, its P-256 key in `tls.key`. It may sign server
 * certificates, but no further CAs.
 *
 * Implemented here because libraries use Web Crypto and ASN.1 schemas, at twenty times the cost: with 1,000
 * AuthServices, that was a fifth of the operator's total CPU time.
 * @see RFC 5280 for every field
 */
export function issueAuthority(validity: Validity): SecretData {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = { issuer: names.authority, subject: names.authority, key: publicKey, signer: privateKey, validity }
  const content = certificate(subject, [
    extension('2.5.29.19', sequence(boolean(true), unsignedInteger(Buffer.from([0]))), 'critical'),
    extension('2.5.29.15', keyUsages.keyCertSignAndCrlSign, 'critical'),
    extension('2.5.29.14', octetString(keyIdentifier(publicKey))),
  ])
  return { 'tls.crt': pem('CERTIFICATE', content), 'tls.key': pemOf(privateKey) }
}

/**
 * Generates a P-256 key and issues a certificate of it for the hosts.
 *
 * @param hosts names and IPv4 addresses
 * @param authority result of `issueAuthority`
 * @throws if the authority cannot be parsed
 */
export function issueFor(hosts: readonly string[], validity: Validity, authority: SecretData): SecretData {
  const ca = authority['tls.crt'] ?? ''
  const signer = createPrivateKey(authority['tls.key'] ?? '')
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = { issuer: names.authority, subject: names.edge, key: publicKey, signer, validity }
  const leaf = certificate(subject, [
    extension('2.5.29.17', sequence(...hosts.map(alternativeName))),
    extension('2.5.29.19', sequence(), 'critical'),
    extension('2.5.29.15', keyUsages.digitalSignature, 'critical'),
    extension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))), // serverAuth
    extension('2.5.29.35', sequence(tagged(0x80, keyIdentifier(new X509Certificate(ca).publicKey)))),
    extension('2.5.29.14', octetString(keyIdentifier(publicKey))),
  ])
  return { 'tls.crt': pem('CERTIFICATE', leaf), 'tls.key': pemOf(privateKey), 'ca.crt': ca }
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
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

/** A dNSName or an iPAddress. Clients compare an address with the latter only. @see RFC 5280, 4.2.1.6 */
function alternativeName(host: string): Buffer {
  if (isIPv4(host)) return tagged(0x87, Buffer.from(host.split('.').map(Number)))
  return tagged(0x82, Buffer.from(host, 'ascii'))
}

function extension(id: string, value: Buffer, importance?: 'critical'): Buffer {
  return sequence(objectIdentifier(id), ...(importance === undefined ? [] : [boolean(true)]), octetString(value))
}

/** The hash of the public point, which is at the end of the DER of the key. @see RFC 5280, 4.2.1.2, method 1 */
function keyIdentifier(key: KeyObject): Buffer {
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-65)
  return createHash('sha1').update(point).digest()
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
