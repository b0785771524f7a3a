import { BlockList, isIP } from 'node:net';

/** A set of addresses and networks, IPv4 and IPv6. */
export class Networks {
  private readonly list = new BlockList();
  /** Whether there is any. */
  readonly any: boolean;

  /** @param networks addresses, or networks in CIDR notation; checked by the configuration. */
  constructor(networks: readonly string[]) {
    this.any = networks.length > 0;
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.list.addAddress(address, family);
      else this.list.addSubnet(address, Number(bits), family);
    }
  }

  /** Whether an address lies in one of them; what is no address does not. */
  has(address: string): boolean {
    const plain = plainAddress(address);
    const kind = isIP(plain);
    return kind !== 0 && this.list.check(plain, kind === 6 ? 'ipv6' : 'ipv4');
  }
}

/** An IPv4 address that came in over an IPv6 socket is that IPv4 address; a zone says nothing about a network. */
function plainAddress(address: string): string {
  const [withoutZone = ''] = address.split('%', 1);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(withoutZone);
  return mapped?.[1] ?? withoutZone;
}
