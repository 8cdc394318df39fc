"""What PCI classes are called, for people: the common ones of "PCI Code and ID Assignment", part 1."""

_NAMES = {
    "01": "storage", "0100": "SCSI", "0101": "IDE", "0104": "RAID", "0106": "SATA", "0107": "SAS", "0108": "NVMe",
    "02": "network", "0200": "Ethernet", "0207": "InfiniBand", "0280": "network",
    "03": "display", "0300": "VGA", "0302": "3D controller",
    "04": "multimedia", "0403": "audio",
    "05": "memory", "07": "communication", "0700": "serial port", "08": "system",
    "0b": "processor", "0b40": "coprocessor",
    "0c": "serial bus", "0c03": "USB", "0c05": "SMBus", "0c06": "InfiniBand",
    "10": "encryption", "11": "signal processing", "12": "accelerator",
}  # fmt: skip


def class_name(device_class: str) -> str | None:
    """Of six hex digits, by the first four, else by the first two; ``None`` for one that is not common."""
    return _NAMES.get(device_class[:4]) or _NAMES.get(device_class[:2])
