"""What holds for all tests."""

from hypothesis import settings

# How long an example takes is the machine's affair: what is measured is measured in bench/.
settings.register_profile("casemate", deadline=None)
settings.load_profile("casemate")
