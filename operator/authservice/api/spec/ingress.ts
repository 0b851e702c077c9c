import Type from 'typebox'
import { host, integer, labelName, listAtomic, objectName, stringMap } from '../fields.ts'
import { resourcesSchema } from './workload.ts'

const TlsSchema = Type.Object(
  {
    secretName: Type.Optional(
      objectName({
        description: 'Secret of type `kubernetes.io/tls` with the certificate for the host.',
        defaultText: 'development: a certificate that the operator signs; staging and production: none; required',
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
            'cert-manager issuer that writes the certificate to `secretName`. If the cluster has no cert-manager, the AuthService stalls.',
        },
      ),
    ),
  },
  {
    description: 'Certificate for the host.',
    rules: [
      {
        rule: '!has(self.issuerRef) || has(self.secretName)',
        message: 'issuerRef needs a Secret for the certificate: add secretName',
        fieldPath: '.secretName',
      },
    ],
  },
)

const NginxSchema = Type.Object(
  {
    replicas: Type.Optional(integer(1, 50, { description: 'Number of Nginx pods.' })),
    serviceType: Type.Optional(
      Type.Enum(['LoadBalancer', 'NodePort', 'ClusterIP'], { description: 'Type of the Service in front of Nginx.' }),
    ),
    nodePort: Type.Optional(
      integer(0, 65_535, {
        description: 'HTTPS port on every node. It must be in the range of the cluster, usually 30000 to 32767.',
        defaultText: '`0`: the cluster chooses',
      }),
    ),
    resources: Type.Optional(resourcesSchema({ description: 'Resources of an Nginx pod.' })),
  },
  {
    description: 'Settings of type `Nginx`: pods that the operator runs.',
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
  message: `${field} applies only to type: ${type}; write that type, or remove ${field}`,
  fieldPath: `.${field}`,
})

export const IngressSchema = Type.Object(
  {
    type: Type.Optional(
      Type.Enum(['Nginx', 'Ingress', 'Gateway', 'None'], {
        description:
          'How the server is exposed: by `Nginx` pods that the operator runs, by an `Ingress` or `Gateway` of the cluster, or not at all (`None`).',
      }),
    ),
    host: Type.Optional(
      host({
        description: 'Host name that clients use.',
        defaultText:
          'the host of `tokens.issuer`; without it, `<name>.localhost` in development, and `<name>-edge.<namespace>.svc` in staging and production',
      }),
    ),
    tls: Type.Optional(TlsSchema),
    trustedProxyHops: Type.Optional(
      integer(0, 10, {
        description:
          'Number of proxies in front of the server whose `X-Forwarded-For` it trusts. If the number is too high, clients can choose the address that limits count.',
        defaultText: '`None` without `trustedProxies`: `0`; otherwise `1`',
      }),
    ),
    trustedProxies: Type.Optional(
      Type.Array(
        Type.String({
          maxLength: 49,
          pattern: '^[0-9a-fA-F:.]+/[0-9]{1,3}$',
          description: 'A network in CIDR notation.',
          rules: [{ rule: 'isCIDR(self)', message: 'write a network in CIDR notation, such as 10.0.12.0/24' }],
        }),
        {
          ...listAtomic,
          maxItems: 32,
          description:
            'Networks of the proxies, such as the network of the pods of an Ingress controller. The server ignores `X-Forwarded-For` from other networks.',
          defaultText: 'none: the server trusts every client that can reach its Service',
        },
      ),
    ),
    nginx: Type.Optional(NginxSchema),
    ingress: Type.Optional(
      Type.Object(
        {
          className: Type.Optional(objectName({ description: 'IngressClass.', defaultText: "the cluster's default" })),
          annotations: Type.Optional(
            stringMap(64, {
              description:
                'Annotations of the Ingress. They override those that the operator derives from `rateLimits`.',
              defaultText: 'none',
              rules: [
                {
                  rule: "self.all(key, !key.matches('snippets?$') && !key.startsWith('auth-operator.dev/'))",
                  message:
                    'snippets change a controller that others share, and auth-operator.dev/ is reserved for the operator: write other annotations',
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
              namespace: Type.Optional(
                labelName({
                  description: 'Namespace of the Gateway.',
                  defaultText: 'the namespace of the AuthService',
                }),
              ),
              sectionName: Type.Optional(
                objectName({ description: 'Listener of the Gateway.', defaultText: 'all listeners' }),
              ),
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
          'the Nginx edge is exactly one proxy: remove trustedProxyHops, or write another type for your own proxies',
        fieldPath: '.trustedProxyHops',
      },
      {
        rule: "!has(self.trustedProxies) || self.?type.orValue('Nginx') != 'Nginx'",
        message:
          'the Nginx edge authenticates with a secret: remove trustedProxies, or write another type for your own proxies',
        fieldPath: '.trustedProxies',
      },
      {
        rule: 'self.?trustedProxyHops.orValue(1) > 0 || self.?trustedProxies.orValue([]).size() == 0',
        message: 'with trustedProxyHops: 0, no proxy is trusted: write the number of proxies, or remove trustedProxies',
        fieldPath: '.trustedProxies',
      },
      onlyWith('ingress', 'Ingress'),
      onlyWith('gateway', 'Gateway'),
      {
        rule: "self.?type.orValue('Nginx') != 'Gateway' || has(self.gateway)",
        message: 'type: Gateway requires a Gateway: write gateway.parentRefs',
        fieldPath: '.gateway',
      },
    ],
  },
)
