"""Every policy of the terms, in the order in which the chart's file has them."""

from casemate.admission.agreements import IN_USE, LOOSENING
from casemate.admission.deployments import AGREEMENT, KNOWN, PLACE
from casemate.admission.suppliers import ORIGIN, SCALE, SUPPLIER

TERMS = (PLACE, KNOWN, AGREEMENT, SUPPLIER, ORIGIN, SCALE, LOOSENING, IN_USE)
