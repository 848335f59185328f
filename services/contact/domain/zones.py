"""In which time zones a customer may be. The gate wants every one of them to agree."""

from collections.abc import Mapping
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.contact.domain.known import Customer

RegionZones = Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, or None where there is none such."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def plausible_zones(customer: Customer, regions: RegionZones) -> tuple[ZoneInfo, ...]:
    """The customer's own zone; without one, every zone of the region ("US-FL", else its country "US"); else none.

    An unknown zone name yields none at all rather than fall back to the region: it says that the data are wrong.
    """
    names = (customer.time_zone,) if customer.time_zone else _of_region(customer.region, regions)
    zones = tuple(zone_named(name) for name in names)
    return tuple(zone for zone in zones if zone is not None) if None not in zones else ()


def _of_region(region: str | None, regions: RegionZones) -> tuple[str, ...]:
    if not region:
        return ()
    code = region.upper()
    return regions.get(code) or regions.get(code.partition("-")[0], ())
