import Type from 'typebox'
import { host, integer, labelName, listAtomic, objectName, stringMap } from '../fields.ts'
import { resourcesSchema } from './workload.ts'

const TlsSchema = Type.Object(
  {
    secretName: Type.Optional(
      objectName({
        description: 'Secret of type `kubernetes.io/tls` with the certificate of the host.',
        defaultText: 'development: one that the operator signs itself; staging and production: none, and one is needed',
      }),
    ),
    issuerRef: Type.Optional(
      Type.Object(
        {
          kind: Type.Optional(
            Type.Enum(['Issuer', 'ClusterIssuer'], { description: 'Kind of the issuer.', defaultText: '`Issuer`' }),
          ),
          name: objectName({ description: 'Name of the issuer.' }),
        },
        {
          description:
            'Issuer of cert-manager that fills `secretName`. The AuthService stalls where the cluster has no cert-manager.',
        },
      ),
    ),
  },
  {
    description: 'The certificate of the host.',
    rules: [
      {
        rule: '!has(self.issuerRef) || has(self.secretName)',
        message: 'issuerRef needs a Secret to fill: add secretName',
        fieldPath: '.secretName',
      },
    ],
  },
)

const NginxSchema = Type.Object(
  {
    replicas: Type.Optional(integer(1, 50, { description: 'Nginx pods.' })),
    serviceType: Type.Optional(
      Type.Enum(['LoadBalancer', 'NodePort', 'ClusterIP'], { description: 'Type of the Service in front of Nginx.' }),
    ),
    nodePort: Type.Optional(
      integer(0, 65_535, {
        description: 'Port on every node for HTTPS; the cluster must allow it, usually 30000 to 32767.',
        defaultText: '`0`: the cluster chooses',
      }),
    ),
    resources: Type.Optional(resourcesSchema({ description: 'Resources of an Nginx pod.' })),
  },
  {
    description: 'The Nginx pods that the operator runs.',
    rules: [
      {
        rule: "!has(self.nodePort) || self.nodePort == 0 || self.?serviceType.orValue('') in ['NodePort', 'LoadBalancer']",
        message: 'nodePort needs serviceType: NodePort or LoadBalancer; write one of them, or remove nodePort',
        fieldPath: '.nodePort',
      },
    ],
  },
)

const onlyWith = (field: string, type: string) => ({
  rule: `!has(self.${field}) || self.?type.orValue('Nginx') == '${type}'`,
  message: `${field} belongs to type: ${type}; write that type, or remove ${field}`,
  fieldPath: `.${field}`,
})

export const IngressSchema = Type.Object(
  {
    type: Type.Optional(
      Type.Enum(['Nginx', 'Ingress', 'Gateway', 'None'], {
        description:
          'What stands in front of the server: `Nginx` pods that the operator runs, an `Ingress` or `Gateway` that the cluster has, or `None`.',
      }),
    ),
    host: Type.Optional(
      host({
        description: 'Host name that clients use.',
        defaultText:
          'the host of `tokens.issuer`; else development: `<name>.localhost`, staging and production: `<name>-edge.<namespace>.svc`',
      }),
    ),
    tls: Type.Optional(TlsSchema),
    trustedProxyHops: Type.Optional(
      integer(0, 10, {
        description:
          'Proxies in front whose `X-Forwarded-For` the server believes, counted from itself: too many, and clients choose the address that limits count.',
        defaultText: '`None`: `0`; other types: `1`',
      }),
    ),
    nginx: Type.Optional(NginxSchema),
    ingress: Type.Optional(
      Type.Object(
        {
          className: Type.Optional(objectName({ description: 'IngressClass.', defaultText: "the cluster's default" })),
          annotations: Type.Optional(
            stringMap(64, {
              description:
                'Annotations of the Ingress. They win over those that the operator compiles from `rateLimits`.',
              defaultText: 'none',
              rules: [
                {
                  rule: "self.all(key, !key.matches('snippets?$') && !key.startsWith('auth-operator.dev/'))",
                  message:
                    'snippets put configuration of your own into a controller that others share, and auth-operator.dev/ is the operator’s: write other annotations',
                },
              ],
            }),
          ),
        },
        { description: 'Settings of type `Ingress`.' },
      ),
    ),
    gateway: Type.Optional(
      Type.Object(
        {
          parentRefs: Type.Array(
            Type.Object({
              name: objectName({ description: 'Name of the Gateway.' }),
              namespace: Type.Optional(labelName({ description: 'Its namespace.', defaultText: "the AuthService's" })),
              sectionName: Type.Optional(objectName({ description: 'Its listener.', defaultText: 'all of them' })),
            }),
            { ...listAtomic, minItems: 1, maxItems: 8, description: 'Gateways that the HTTPRoute attaches to.' },
          ),
        },
        { description: 'Settings of type `Gateway`.' },
      ),
    ),
  },
  {
    description: 'How clients reach the server.',
    rules: [
      onlyWith('nginx', 'Nginx'),
      {
        rule: "!has(self.trustedProxyHops) || self.?type.orValue('Nginx') != 'Nginx'",
        message:
          'Nginx tells the server the one address that it saw: remove trustedProxyHops, or write another type for proxies of your own',
        fieldPath: '.trustedProxyHops',
      },
      onlyWith('ingress', 'Ingress'),
      onlyWith('gateway', 'Gateway'),
      {
        rule: "self.?type.orValue('Nginx') != 'Gateway' || has(self.gateway)",
        message: 'type: Gateway needs Gateways to attach to: write gateway.parentRefs',
        fieldPath: '.gateway',
      },
    ],
  },
)
