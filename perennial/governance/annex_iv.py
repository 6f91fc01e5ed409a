"""The nine points of Annex IV of the EU AI Act, which a dossier follows.

Source: Regulation (EU) 2024/1689, Annex IV, as amended by Regulation (EU) 2026/1744 (in force since 27 July 2026). Each
point is quoted up to its list of details. This is not legal advice.
"""

from __future__ import annotations

SOURCE = "Regulation (EU) 2024/1689, Annex IV, as amended by Regulation (EU) 2026/1744"
POINTS = (
    ("System", "A general description of the AI system including …"),
    (
        "Development",
        "A detailed description of the elements of the AI system and of the process for its development, including …",
    ),
    (
        "Functioning and control",
        "Detailed information about the monitoring, functioning and control of the AI system, in particular with "
        "regard to …",
    ),
    (
        "Metrics",
        "A description of the appropriateness of the performance metrics for the specific AI system",
    ),
    ("Risks", "A detailed description of the risk management system in accordance with Article 9"),
    (
        "Changes",
        "A description of relevant changes made by the provider to the system through its lifecycle",
    ),
    (
        "Standards",
        "A list of the harmonised standards applied in full or in part …; where none, a detailed description of the "
        "solutions adopted …",
    ),
    ("Conformity", "A copy of the EU declaration of conformity referred to in Article 47"),
    (
        "Monitoring after release",
        "A detailed description of the system in place to evaluate the AI system performance in the post-market phase "
        "in accordance with Article 72, including the post-market monitoring plan referred to in Article 72(3)",
    ),
)
"""Of each point, in their order: a short title and the quotation."""
